import SystemPackage

@testable import Proactor

/// A ring backend on the real kernel, with the sockets and the memory that a test lends it.
final class RingHarness: BackendHarness<UringBackend> {
    init(_ configuration: RingConfiguration = RingConfiguration(), started: Bool = true) throws {
        super.init(try UringBackend(configuration: configuration))
        if started { try backend.start() }
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
            { $0.multishotUnixReceive = false },
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
                $0.growingQueues = false
                $0.submissionQueueSize = 1
                $0.completionQueueSize = 2
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
