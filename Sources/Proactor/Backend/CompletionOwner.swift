/// Whoever submits operations: transports, listeners, child processes, and what tasks await.
///
/// The operation table keeps an owner alive while an operation of its is in flight, so that memory the kernel may still
/// write to cannot go away.
class CompletionOwner {
    /// Where the memory of the task begins that waits for a completion: a hint for ``OperationTable/fetchWaiter(_:)``, never
    /// read through, for the task may be gone.
    @exclusivity(unchecked) final var waitingTask: UnsafeRawPointer?

    /// One completion of an operation that this owner submitted. Called on the loop's thread, from the loop only, never
    /// within a `submit` or a `cancel`.
    func operationCompleted(_ completion: Completion) {
        preconditionFailure("an owner of operations must take their completions")
    }
}
