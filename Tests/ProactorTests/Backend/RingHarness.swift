import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// A ring backend on the real kernel, with the sockets and the memory that a test lends it.
final class RingHarness {
    let backend: UringBackend
    private var sockets: [FileDescriptor] = []
    private var memory: [UnsafeMutableRawBufferPointer] = []
    private var addresses: [UnsafeMutablePointer<KernelAddress>] = []

    static let secondInNanoseconds: Int64 = 1_000_000_000

    init(_ configuration: RingConfiguration = RingConfiguration(), started: Bool = true) throws {
        backend = try UringBackend(configuration: configuration)
        if started { try backend.start() }
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
        while !condition() {
            let start = backend.system.now()
            turn(timeoutNanoseconds: Self.secondInNanoseconds)
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

    /// Submits sends until the kernel takes no more; returns the token of the one that waits.
    func fill(_ socket: FileDescriptor, owner: CompletionRecorder) -> OperationToken {
        let chunk = [UInt8](repeating: 7, count: 65536)
        while true {
            let token = send(chunk, on: socket, owner: owner)
            turn()
            if owner.finals.last?.token != token { return token }
        }
    }

    /// What this kernel offers, and every older path.
    static let configurations: [RingConfiguration] = {
        let changes: [(inout RingConfiguration) -> Void] = [
            { _ in },
            { $0.incrementalBuffers = false },
            { $0.multishotReceive = false },
            {
                $0.multishotReceive = false
                $0.incrementalBuffers = false
            },
            { $0.multishotAccept = false },
            { $0.messageWakeUp = false },
            { $0.noIOWait = false },
            {
                $0.multishotAccept = false
                $0.multishotReceive = false
                $0.incrementalBuffers = false
                $0.messageWakeUp = false
                $0.noIOWait = false
            },
            // More data than buffers, more operations than queue.
            {
                $0.incrementalBufferCount = 2
                $0.incrementalBufferSize = 4096
            },
            {
                $0.incrementalBuffers = false
                $0.bufferCount = 2
                $0.bufferSize = 1024
            },
            {
                $0.submissionQueueSize = 1
                $0.completionQueueSize = 2
                $0.completionsPerTurn = 1
            },
            {
                $0.submissionQueueSize = 2
                $0.completionQueueSize = 4
                $0.incrementalBuffers = false
            },
        ]
        return changes.map { change in
            var configuration = RingConfiguration()
            change(&configuration)
            return configuration
        }
    }()
}
