import Synchronization

@testable import Proactor

/// Counts what it is given, and runs it at once on the caller's thread.
final class CountingExecutor: WorkExecutor {
    private let count = Atomic<Int>(0)
    private let shutdowns = Atomic<Int>(0)

    var submitted: Int { count.load(ordering: .sequentiallyConsistent) }
    var shutDown: Int { shutdowns.load(ordering: .sequentiallyConsistent) }

    func submit(_ work: @escaping @Sendable () -> Void) {
        count.add(1, ordering: .sequentiallyConsistent)
        work()
    }

    func shutdown(whenDone: @escaping @Sendable () -> Void) {
        shutdowns.add(1, ordering: .sequentiallyConsistent)
        whenDone()
    }
}

/// Keeps what it is given until it is told what to do with it.
final class HoldingExecutor: WorkExecutor {
    private let held = ThreadLock<[@Sendable () -> Void]>([])

    var count: Int { held.withLock { $0.count } }

    func submit(_ work: @escaping @Sendable () -> Void) {
        held.withLock { $0.append(work) }
    }

    func runAll() {
        for work in takeAll() { work() }
    }

    func dropAll() {
        _ = takeAll()
    }

    func shutdown(whenDone: @escaping @Sendable () -> Void) {
        dropAll()
        whenDone()
    }

    private func takeAll() -> [@Sendable () -> Void] {
        held.withLock { held in
            defer { held = [] }
            return held
        }
    }
}
