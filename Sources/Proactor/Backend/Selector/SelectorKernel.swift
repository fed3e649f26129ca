import Glibc
import SystemPackage

/// What a selector backend runs over in place of the real kernel: readiness, and the calls that its operations are made of. Each
/// call says zero or more, else minus errno, and none of them blocks.
package protocol SelectorKernel: AnyObject, Sendable {
    // MARK: Readiness

    /// As ``Selector/watch(_:for:)``.
    func watch(_ descriptor: Int32, for interest: Readiness) throws(Errno)
    /// As ``Selector/wait(timeoutNanoseconds:into:)``.
    func wait(timeoutNanoseconds: Int64, into ready: UnsafeMutableBufferPointer<ReadyDescriptor>) -> Int
    /// The last call.
    func close()

    // MARK: Sockets and pipes

    func accept(_ listener: Int32, _ address: UnsafeMutablePointer<KernelAddress>) -> Int32
    func connect(_ socket: Int32, _ address: UnsafeMutablePointer<KernelAddress>) -> Int32
    func takePendingError(_ socket: Int32) -> Int32
    func hasPeer(_ socket: Int32) -> Bool
    func receiveDatagram(
        _ socket: Int32,
        _ buffer: UnsafeMutableRawBufferPointer,
        _ reception: UnsafeMutablePointer<DatagramReception>
    ) -> Int32
    func receiveMessage(_ socket: Int32, _ message: UnsafeMutablePointer<msghdr>) -> Int32
    func sendMessage(_ socket: Int32, _ message: UnsafeMutablePointer<msghdr>) -> Int32
    func sendFile(_ socket: Int32, _ file: Int32, _ offset: Int64, _ count: Int) -> Int32
    func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int32
    func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32
    func isOpen(_ descriptor: Int32) -> Bool
    func closeDescriptor(_ descriptor: Int32) -> Int32

    // MARK: Files

    func openFile(_ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: UInt32) -> Int32
    func readFile(_ file: Int32, _ target: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int32
    func writeFile(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int32
    func synchronizeFile(_ file: Int32) -> Int32
    func fileStatus(_ file: Int32, _ memory: UnsafeMutableRawPointer) -> Int32
}

/// ``Selector`` by a kernel that is not the real one.
final class KernelSelector: Selector {
    private let kernel: any SelectorKernel

    init(_ kernel: any SelectorKernel) {
        self.kernel = kernel
    }

    func watch(_ descriptor: Int32, for interest: Readiness) throws(Errno) {
        try kernel.watch(descriptor, for: interest)
    }

    func wait(timeoutNanoseconds: Int64, into ready: UnsafeMutableBufferPointer<ReadyDescriptor>) -> Int {
        kernel.wait(timeoutNanoseconds: timeoutNanoseconds, into: ready)
    }

    func close() { kernel.close() }
}

/// ``SocketCalls`` of a kernel that is not the real one.
final class KernelSocketCalls: SocketCalls {
    private let kernel: any SelectorKernel

    init(_ kernel: any SelectorKernel) {
        self.kernel = kernel
        super.init()
    }

    override func accept(_ listener: Int32, _ address: UnsafeMutablePointer<KernelAddress>) -> Int32 {
        kernel.accept(listener, address)
    }

    override func connect(_ socket: Int32, _ address: UnsafeMutablePointer<KernelAddress>) -> Int32 {
        kernel.connect(socket, address)
    }

    override func takePendingError(_ socket: Int32) -> Int32 { kernel.takePendingError(socket) }
    override func hasPeer(_ socket: Int32) -> Bool { kernel.hasPeer(socket) }

    override func receive(_ socket: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int32 {
        kernel.read(socket, buffer)
    }

    override func receiveDatagram(
        _ socket: Int32,
        _ buffer: UnsafeMutableRawBufferPointer,
        _ reception: UnsafeMutablePointer<DatagramReception>
    ) -> Int32 {
        kernel.receiveDatagram(socket, buffer, reception)
    }

    override func receiveMessage(_ socket: Int32, _ message: UnsafeMutablePointer<msghdr>) -> Int32 {
        kernel.receiveMessage(socket, message)
    }

    override func send(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        kernel.write(socket, bytes)
    }

    override func sendMessage(_ socket: Int32, _ message: UnsafeMutablePointer<msghdr>) -> Int32 {
        kernel.sendMessage(socket, message)
    }

    override func sendFile(_ socket: Int32, _ file: Int32, _ offset: Int64, _ count: Int) -> Int32 {
        kernel.sendFile(socket, file, offset, count)
    }

    override func read(_ pipe: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int32 {
        kernel.read(pipe, buffer)
    }
    override func write(_ pipe: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 { kernel.write(pipe, bytes) }

    override func writeVector(_ pipe: Int32, _ message: UnsafeMutablePointer<msghdr>) -> Int32 {
        kernel.sendMessage(pipe, message)
    }

    override func isOpen(_ descriptor: Int32) -> Bool { kernel.isOpen(descriptor) }
    override func close(_ descriptor: Int32) -> Int32 { kernel.closeDescriptor(descriptor) }
}

/// ``FileCalls`` of a kernel that is not the real one.
///
/// `@unchecked Sendable`: as the class above it; the kernel sees to the rest.
final class KernelFileCalls: FileCalls, @unchecked Sendable {
    private let kernel: any SelectorKernel

    init(_ kernel: any SelectorKernel) {
        self.kernel = kernel
        super.init()
    }

    override func open(_ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: UInt32) -> Int32 {
        kernel.openFile(path, flags, mode)
    }

    override func read(_ file: Int32, _ target: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int32 {
        kernel.readFile(file, target, at: offset)
    }

    override func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int32 {
        kernel.writeFile(file, bytes, at: offset)
    }

    override func synchronize(_ file: Int32, dataOnly: Bool) -> Int32 { kernel.synchronizeFile(file) }

    override func status(_ file: Int32, _ memory: UnsafeMutableRawPointer) -> Int32 {
        kernel.fileStatus(file, memory)
    }

    override func close(_ descriptor: Int32) -> Int32 { kernel.closeDescriptor(descriptor) }

    /// There is no other thread, and nothing that a close would wait for.
    override func startClosing(_ work: @escaping @Sendable () -> Void) throws(Errno) { work() }
}
