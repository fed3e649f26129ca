/// Whoever submits operations: transports, listeners, child processes, and what tasks await.
///
/// The operation table keeps an owner alive while an operation of its is in flight, so that memory the kernel may still
/// write to cannot go away.
class CompletionOwner {
    /// The task that waits for a completion, for the processor to fetch it beforehand. Nobody follows this: it may be gone.
    @exclusivity(unchecked) final var waiter: UnsafeRawPointer?

    /// One completion of an operation that this owner submitted. Called on the loop's thread, from the loop only, never
    /// within a `submit` or a `cancel`.
    func operationCompleted(_ completion: Completion) {
        preconditionFailure("an owner of operations must take their completions")
    }
}
