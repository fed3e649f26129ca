import Glibc
import SystemPackage

@testable import Proactor

/// A ring backend on a scripted ring.
struct ScriptedHarness {
    let ring: ScriptedRing
    let backend: UringBackend
    let owner = CompletionRecorder()

    /// A descriptor that is never asked about: no call of a scripted ring reaches the kernel.
    static let descriptor = FileDescriptor(rawValue: 1_000_000)

    init(_ ring: ScriptedRing = ScriptedRing(), completionsPerTurn: Int = 64) throws {
        self.ring = ring
        backend = UringBackend(
            ring: ring,
            system: LinuxSystemCalls(nonBlocking: false),
            completionsPerTurn: completionsPerTurn
        )
        try backend.start()
    }

    func receive() -> OperationToken { backend.submit(.receive(Self.descriptor), owner: owner) }
    func receiveOnce() -> OperationToken {
        backend.submit(.receiveOnce(Self.descriptor, maxCount: 100), owner: owner)
    }
    func watch() -> OperationToken { backend.submit(.watch(Self.descriptor, .read), owner: owner) }
    func accept() -> OperationToken { backend.submit(.accept(Self.descriptor), owner: owner) }
    func connect() -> OperationToken {
        backend.submit(.connect(Self.descriptor, Self.address), owner: owner)
    }
    func send() -> OperationToken { write(.send) }

    /// What waits for room, by its kind.
    static let writes: [OperationKind] = [.send, .sendMessage, .pipeWrite, .pipeWriteVector]

    func write(_ kind: OperationKind) -> OperationToken {
        let bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        let operation: IOOperation =
            switch kind {
            case .sendMessage: .sendMessage(Self.descriptor, Self.message)
            case .pipeWrite: .pipeWrite(Self.descriptor, bytes)
            case .pipeWriteVector: .pipeWriteVector(Self.descriptor, Self.message)
            default: .send(Self.descriptor, bytes)
            }
        return backend.submit(operation, owner: owner)
    }

    /// One turn as a loop makes it.
    func turn(timeoutNanoseconds: Int64 = -1) {
        backend.settle()
        backend.poll(timeoutNanoseconds: timeoutNanoseconds)
        backend.deliver()
    }

    /// Ends whatever is in flight, and closes.
    func close() {
        ring.onWait = { [unowned ring, unowned backend] in
            backend.table.forEach { ring.complete($0, -ECANCELED) }
        }
        backend.close()
    }

    // Never read: a scripted ring looks at no operation.
    nonisolated(unsafe) private static let address: UnsafeMutablePointer<KernelAddress> = {
        let address = UnsafeMutablePointer<KernelAddress>.allocate(capacity: 1)
        address.initialize(to: KernelAddress(storage: sockaddr_storage(), length: 0))
        return address
    }()
    nonisolated(unsafe) private static let message: UnsafeMutablePointer<msghdr> = {
        let message = UnsafeMutablePointer<msghdr>.allocate(capacity: 1)
        message.initialize(to: msghdr())
        return message
    }()
}
