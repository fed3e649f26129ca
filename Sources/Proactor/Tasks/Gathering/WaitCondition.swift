/// When ``wait(_:timeout:returnWhen:)`` returns, at the latest: asyncio's `FIRST_COMPLETED` and its like.
///
/// ```swift
/// let (done, pending) = try await wait(mirrors, returnWhen: .firstCompleted)
/// ```
public enum WaitCondition: Hashable, Sendable {
    /// All are done.
    case allCompleted
    /// One is done, however it ended.
    case firstCompleted
    /// One has failed; a cancelled one has not. All are done, if none fails.
    case firstException
}
