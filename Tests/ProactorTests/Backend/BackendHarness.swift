import SystemPackage
import Testing

@testable import Proactor

/// A backend on the real kernel, with the sockets and the memory that a test lends it.
class BackendHarness<Backend: CompletionBackend> {
    let backend: Backend
    private var sockets: [FileDescriptor] = []
    private var memory: [UnsafeMutableRawBufferPointer] = []
    private var addresses: [UnsafeMutablePointer<KernelAddress>] = []

    init(_ backend: Backend) {
        self.backend = backend
    }

    deinit {
        backend.close()
        for socket in sockets { try? socket.close() }
        for buffer in memory { buffer.deallocate() }
        for address in addresses { address.deallocate() }
    }

    /// One turn as a loop makes it.
    func turn(timeoutNanoseconds: Int64 = 0) {
        backend.settle()
        backend.poll(timeoutNanoseconds: timeoutNanoseconds)
        backend.deliver()
    }

    /// Makes turns until `condition` holds; records an issue when waits of a second, one after the other, have not brought it about.
    func run(until condition: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation) {
        var idleTurns = 0
        while true {
            backend.settle()
            if condition() { return }
            let start = backend.system.now()
            backend.poll(timeoutNanoseconds: secondInNanoseconds)
            backend.deliver()
            if start.duration(to: backend.system.now()) >= .seconds(1) { idleTurns += 1 }
            guard idleTurns < Int(TestLimit.wait.components.seconds) else {
                Issue.record("the condition never came true", sourceLocation: sourceLocation)
                return
            }
        }
    }

    /// Two sockets that are connected to each other, as the backend needs them.
    func pair() throws -> (FileDescriptor, FileDescriptor) {
        let pair = try SocketPair(.unix, for: backend)
        sockets += [pair.first, pair.second]
        return (pair.first, pair.second)
    }

    func socket(_ family: AddressFamily = .ipv4) throws -> FileDescriptor {
        let socket = try backend.system.makeSocket(family, .stream)
        sockets.append(socket)
        return socket
    }

    func listener(
        _ address: SocketAddress = .ipv4(.loopback, port: 0),
        backlog: Int32 = 512
    ) throws -> (FileDescriptor, SocketAddress) {
        let listener = try socket(address.family)
        try backend.system.bind(listener, to: address)
        try backend.system.listen(listener, backlog: backlog)
        return (listener, try backend.system.localAddress(of: listener))
    }

    /// Closes at the end what a test did not get from here.
    func adopt(_ descriptor: FileDescriptor) {
        sockets.append(descriptor)
    }

    /// Leaves a descriptor to the test.
    func disown(_ descriptor: FileDescriptor) {
        sockets.removeAll { $0 == descriptor }
    }

    func buffer(_ bytes: [UInt8]) -> UnsafeMutableRawBufferPointer {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
        buffer.copyBytes(from: bytes)
        memory.append(buffer)
        return UnsafeMutableRawBufferPointer(rebasing: buffer[..<bytes.count])
    }

    @discardableResult
    func send(_ bytes: [UInt8], on socket: FileDescriptor, owner: CompletionOwner) -> OperationToken {
        backend.submit(.send(socket, UnsafeRawBufferPointer(buffer(bytes))), owner: owner)
    }

    @discardableResult
    func connect(
        _ socket: FileDescriptor,
        to address: SocketAddress,
        owner: CompletionOwner
    ) throws -> OperationToken {
        let pointer = UnsafeMutablePointer<KernelAddress>.allocate(capacity: 1)
        pointer.initialize(to: try address.kernelForm())
        addresses.append(pointer)
        return backend.submit(.connect(socket, pointer), owner: owner)
    }
}

let secondInNanoseconds: Int64 = 1_000_000_000
