import SystemPackage

/// An operation that a task waits for. Cancelling the task cancels the operation; memory that the kernel uses lives here
/// until the final completion.
///
/// When the loop closes under it, the operation is over and the task stays suspended for good, with all that it holds: Swift
/// cannot take a task apart from outside. What must not stay open then is the loop's to close: see
/// ``UnclaimedDescriptors``.
final class AwaitedOperation: CompletionOwner {
    private let loop: BaseEventLoop
    /// Keeps the memory alive that the operation names.
    private let memory: AnyObject?
    private var continuation: UnsafeContinuation<Int32, Never>?
    private var token: OperationToken?
    private var wasCancelled = false

    private init(loop: BaseEventLoop, memory: AnyObject?) {
        self.loop = loop
        self.memory = memory
    }

    /// Performs an operation that completes once, and returns its result: zero or more, or minus errno.
    ///
    /// Throws `CancellationError` when the task was cancelled and the operation ended in nothing. It may have succeeded all
    /// the same, and then its result is returned: what it brought is the caller's.
    ///
    /// - Parameter memory: owns what the operation's pointers point to. It is kept until the final completion.
    nonisolated(nonsending) static func perform(
        _ operation: IOOperation,
        keeping memory: AnyObject?,
        on loop: BaseEventLoop
    ) async throws -> Int32 {
        try await AwaitedOperation(loop: loop, memory: memory).perform(operation)
    }

    /// Performs an operation that completes once and must be done, cancelled or not: such as a close.
    nonisolated(nonsending) static func performToTheEnd(
        _ operation: IOOperation,
        on loop: BaseEventLoop
    ) async -> Int32 {
        let this = AwaitedOperation(loop: loop, memory: nil)
        return await withUnsafeContinuation { continuation in
            this.continuation = continuation
            this.loop.backend.submit(operation, owner: this)
        }
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
        if wasCancelled, result < 0 { throw CancellationError() }
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
