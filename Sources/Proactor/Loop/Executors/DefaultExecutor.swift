/// What a loop runs blocking work on when no executor is named.
enum DefaultExecutor {
    /// Made when it is first needed.
    case notNeededYet
    case ready(any WorkExecutor)
    /// It was shut down for good; without an executor there was never one.
    case shutDown((any WorkExecutor)?)
}
