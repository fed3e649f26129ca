import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// A selector backend with the sockets and the memory that a test lends it.
final class SelectorHarness {
    let backend: SelectorBackend
    private var sockets: [FileDescriptor] = []
    private var memory: [UnsafeMutableRawBufferPointer] = []
    private var addresses: [UnsafeMutablePointer<KernelAddress>] = []

    static let secondInNanoseconds: Int64 = 1_000_000_000

    init(_ kind: SelectorKind, calls: SocketCalls = SocketCalls()) throws {
        backend = try SelectorBackend(kind: kind, calls: calls)
        try backend.start()
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

    /// Makes turns until `condition` holds; records an issue when ten waits of a second have not brought it about.
    func run(until condition: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation) {
        var idleTurns = 0
        while true {
            backend.settle()
            if condition() { return }
            let start = backend.system.now()
            backend.poll(timeoutNanoseconds: Self.secondInNanoseconds)
            backend.deliver()
            if start.duration(to: backend.system.now()) >= .seconds(1) { idleTurns += 1 }
            guard idleTurns < 10 else {
                Issue.record("the condition never came true", sourceLocation: sourceLocation)
                return
            }
        }
    }

    func pair() throws -> (FileDescriptor, FileDescriptor) {
        let pair = try backend.system.makeSocketPair()
        sockets += [pair.0, pair.1]
        return pair
    }

    func socket(_ family: AddressFamily = .ipv4) throws -> FileDescriptor {
        let socket = try backend.system.makeSocket(family, .stream)
        sockets.append(socket)
        return socket
    }

    func listener(_ address: SocketAddress, backlog: Int32 = 128) throws -> (FileDescriptor, SocketAddress) {
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

    /// Numbers for ``duplicate(_:at:)`` begin here: near the limit, which the other tests' descriptors do not come to.
    private static let highNumbersStart: Int32 = {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int32(min(limit.rlim_cur, 16_384)) - 64
    }()

    /// A duplicate at a number that only this test uses: the `index`th of the 64 high ones.
    ///
    /// Other tests open hundreds of descriptors meanwhile. Where one of them has the number this throws: `dup2` would close
    /// the other test's descriptor without a word.
    func duplicate(_ descriptor: FileDescriptor, at index: Int32) throws -> FileDescriptor {
        let number = Self.highNumbersStart + index
        let duplicate = fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, number)
        guard duplicate >= 0 else { throw Errno(rawValue: errno) }
        guard duplicate == number else {
            try FileDescriptor(rawValue: duplicate).close()
            throw Errno.fileExists
        }
        return FileDescriptor(rawValue: duplicate)
    }

    /// Makes `duplicate` stand for the same as `descriptor` from here on.
    func replace(_ duplicate: FileDescriptor, by descriptor: FileDescriptor) throws {
        guard dup2(descriptor.rawValue, duplicate.rawValue) >= 0 else { throw Errno(rawValue: errno) }
    }

    func buffer(_ bytes: [UInt8]) -> UnsafeMutableRawBufferPointer {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
        buffer.copyBytes(from: bytes)
        memory.append(buffer)
        return UnsafeMutableRawBufferPointer(rebasing: buffer[..<bytes.count])
    }

    func send(_ bytes: [UInt8], on socket: FileDescriptor, owner: CompletionOwner) -> OperationToken {
        backend.submit(.send(socket, UnsafeRawBufferPointer(buffer(bytes))), owner: owner)
    }

    func connect(_ socket: FileDescriptor, to address: SocketAddress, owner: CompletionOwner) throws
        -> OperationToken
    {
        let pointer = UnsafeMutablePointer<KernelAddress>.allocate(capacity: 1)
        pointer.initialize(to: try address.kernelForm())
        addresses.append(pointer)
        return backend.submit(.connect(socket, pointer), owner: owner)
    }

    /// Takes all that a peer has to read.
    func drain(_ socket: FileDescriptor) -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(socket.rawValue, &chunk, chunk.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { return all }
            all += chunk[..<count]
        }
    }

    /// Submits sends until one has to wait; returns its token and how many bytes went before.
    func fill(_ socket: FileDescriptor, owner: CompletionRecorder) -> OperationToken {
        while true {
            let token = send([UInt8](repeating: 7, count: 65536), on: socket, owner: owner)
            backend.settle()
            if owner.finals.last?.token != token { return token }
        }
    }
}
