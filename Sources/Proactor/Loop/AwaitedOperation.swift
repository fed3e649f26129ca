import SystemPackage

/// An operation that a task waits for. Cancelling the task cancels the operation; memory that the kernel uses lives here
/// until the final completion.
final class AwaitedOperation: CompletionOwner {
    private let loop: BaseEventLoop
    private var address: UnsafeMutablePointer<KernelAddress>?
    private var continuation: UnsafeContinuation<Int32, Never>?
    private var token: OperationToken?
    private var wasCancelled = false

    private init(loop: BaseEventLoop) {
        self.loop = loop
    }

    deinit {
        // The table holds this object while the operation is in flight, so the kernel is done with it.
        address?.deallocate()
    }

    /// Connects, and returns zero or minus errno. Throws `CancellationError` when the task was cancelled; the socket may
    /// then be connected all the same, and is the caller's to close.
    nonisolated(nonsending) static func connect(
        _ socket: FileDescriptor,
        to address: KernelAddress,
        on loop: BaseEventLoop
    ) async throws -> Int32 {
        let operation = AwaitedOperation(loop: loop)
        let memory = UnsafeMutablePointer<KernelAddress>.allocate(capacity: 1)
        memory.initialize(to: address)
        operation.address = memory
        return try await operation.perform(.connect(socket, memory))
    }

    nonisolated(nonsending) private func perform(_ operation: IOOperation) async throws -> Int32 {
        try Task.checkCancellation()
        // The handler may run on any thread, and only passes this object on to the loop's own.
        nonisolated(unsafe) let operation = operation
        nonisolated(unsafe) let this = self
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                this.continuation = continuation
                this.token = this.loop.backend.submit(operation, owner: this)
            }
        } onCancel: {
            _ = this.loop.inbox.post(.callback { this.cancel() })
        }
        if wasCancelled { throw CancellationError() }
        return result
    }

    private func cancel() {
        guard let token, continuation != nil else { return }
        wasCancelled = true
        loop.backend.cancel(token)
    }

    override func operationCompleted(_ completion: Completion) {
        precondition(completion.isFinal, "an awaited operation completes once")
        continuation.take()?.resume(returning: completion.result)
    }
}
