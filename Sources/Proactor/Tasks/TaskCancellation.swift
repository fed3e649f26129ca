import CPosix

/// As `Task.checkCancellation()`, at a third of its cost: that one retains the task to ask it, and what does not have to wait costs
/// little more than that.
@inline(__always)
func checkCancellation() throws {
    if cposix_is_task_cancelled() { throw cancellation() }
}

// Not inlined: code does not know the size of a type of another library, and an async function would take memory of its task's for
// the error as soon as it begins.
@inline(never)
func cancellation() -> any Error { CancellationError() }
