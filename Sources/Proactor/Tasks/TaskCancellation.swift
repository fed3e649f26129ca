import CPosix

/// As `Task.checkCancellation()`, at a third of its cost: that one retains the task to ask it, and what does not have to wait costs
/// little more than that.
@inline(__always)
func checkCancellation() throws {
    if cposix_is_task_cancelled() { throw CancellationError() }
}
