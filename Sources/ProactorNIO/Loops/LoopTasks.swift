#if NIO
    import Glibc
    import NIOCore
    import Proactor

    /// What `execute` has handed to a loop, in the order of the calls as far as each thread can tell.
    ///
    /// ```
    ///            the loop closes             all that was left has run
    ///   open ───────────────────▶ closing ───────────────────────────▶ over
    /// ```
    /// A queue of its own beside the loop's: as with SwiftNIO, tasks that tasks add run before the loop waits again, and none is lost when
    /// the loop closes, for a future may wait for it. Once that is over, tasks still run, one at a time, on the thread that brings
    /// them: what they are then is the completion of futures, on which somebody may be waiting.
    ///
    /// `@unchecked Sendable`: `local` and `isScheduled` belong to the loop's thread, the rest is behind a lock.
    final class LoopTasks: @unchecked Sendable {
        typealias Task = () -> Void

        private struct Shared {
            var posted: [Task] = []
            var isOver = false
            /// Who runs tasks when it is over.
            var runner: pthread_t?
        }

        /// How many run before the rest of the loop has its turn.
        private static let batchMax = 4096

        private let loop: BaseEventLoop
        private let shared = ThreadLock(Shared())
        @exclusivity(unchecked) private var local = CircularBuffer<Task>()
        @exclusivity(unchecked) private var isScheduled = false

        init(loop: BaseEventLoop) {
            self.loop = loop
        }

        /// Adds a task on the loop's thread.
        func add(_ task: @escaping Task) {
            guard !loop.isClosed else { return addToClosed(task) }
            local.append(task)
            schedule()
        }

        /// Adds a task on any other thread.
        func post(_ task: @escaping Task) {
            let isFirst: Bool? = shared.withLock { shared in
                guard !shared.isOver else { return nil }
                shared.posted.append(task)
                return shared.posted.count == 1
            }
            guard let isFirst else { return runOver(task) }
            // A loop that closes takes what is there by itself.
            if isFirst { _ = loop.postWithoutContext { self.takePosted() } }
        }

        /// Whether the calling thread is the one that runs what comes after the end.
        var isRunningHere: Bool {
            let caller = pthread_self()
            return shared.withLock { shared in shared.runner.map { pthread_equal($0, caller) != 0 } ?? false }
        }

        private func schedule() {
            guard !isScheduled else { return }
            isScheduled = true
            loop.callSoonWithoutContext { self.runBatch() }
        }

        private func runBatch() {
            isScheduled = false
            for _ in 0..<Self.batchMax {
                guard let task = local.popFirst() else { return }
                task()
            }
            if !local.isEmpty, !loop.isClosed { schedule() }
        }

        private func takePosted() {
            let posted = shared.withLock { shared in
                let posted = shared.posted
                shared.posted = []
                return posted
            }
            local.append(contentsOf: posted)
            if !isScheduled { runBatch() }
        }

        // MARK: - The end

        /// Runs all that is left, and what that adds.
        func runRest() {
            var isOver = false
            while !isOver {
                while let task = local.popFirst() { task() }
                isOver = shared.withLock { shared in
                    shared.isOver = shared.posted.isEmpty
                    return shared.isOver
                }
                if !isOver {
                    isScheduled = true
                    takePosted()
                }
            }
        }

        /// On the thread of a loop that is closed, or is being closed.
        private func addToClosed(_ task: @escaping Task) {
            let isOver = shared.withLock { $0.isOver }
            if isOver { runOver(task) } else { local.append(task) }
        }

        private func runOver(_ task: @escaping Task) {
            let isRunner = shared.withLock { shared in
                shared.posted.append(task)
                guard shared.runner == nil else { return false }
                shared.runner = pthread_self()
                return true
            }
            // Whoever runs takes it, this thread further out perhaps.
            guard isRunner else { return }
            while let next = takeNext() { next() }
        }

        private func takeNext() -> Task? {
            shared.withLock { shared in
                guard shared.posted.isEmpty else { return shared.posted.removeFirst() }
                shared.runner = nil
                return nil
            }
        }
    }
#endif
