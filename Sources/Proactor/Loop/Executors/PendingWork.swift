/// Work that an executor takes to run it, or a loop to drop it: whoever comes first.
final class PendingWork<Value>: Sendable {
    /// Guarded by the lock. It was sent in, and is taken out once.
    private struct Content: @unchecked Sendable {
        var work: (() throws -> sending Value)?
    }

    private let content: ThreadLock<Content>

    init(_ work: sending @escaping () throws -> sending Value) {
        // It was sent here, and nobody else has it.
        nonisolated(unsafe) let work = work
        content = ThreadLock(Content(work: work))
    }

    /// Runs the work if it is still there; returns whether it was.
    func run(_ finish: (sending Result<Value, any Error>) -> Void) -> Bool {
        guard let work = take() else { return false }
        do { finish(.success(try work())) } catch { finish(.failure(error)) }
        return true
    }

    /// Lets go of the work if it is still there; returns whether it was.
    @discardableResult
    func drop() -> Bool {
        take() != nil
    }

    private func take() -> (() throws -> sending Value)? {
        // It leaves the lock for good: one caller gets it.
        nonisolated(unsafe) var taken: (() throws -> sending Value)?
        content.withLock { taken = $0.work.take() }
        return taken
    }
}
