/// Whoever submits operations: transports, listeners, child processes, and what tasks await.
///
/// The operation table keeps an owner alive while an operation of its is in flight, so that memory the kernel may still
/// write to cannot go away.
package class CompletionOwner {
    /// Where the memory of the task begins that waits for a completion: a hint for ``OperationTable/fetchWaiter(_:)``, never
    /// read through, for the task may be gone.
    @exclusivity(unchecked) final var waitingTask: UnsafeRawPointer?

    /// Empties the error queue of its descriptor, or takes as much of it as one turn should, and returns whether there was
    /// anything. A backend asks for that when it finds the descriptor ready for ever: errors in the queue end every wait, and no
    /// other call takes them away. Whoever does not own the descriptor leaves the queue to its owner. Called on the loop's
    /// thread, within a delivery; it submits nothing and cancels nothing.
    package func takeQueuedErrors() -> Bool { false }

    /// One completion of an operation that this owner submitted. Called on the loop's thread, from the loop only, never
    /// within a `submit` or a `cancel`.
    package func operationCompleted(_ completion: Completion) {
        preconditionFailure("an owner of operations must take their completions")
    }
}
