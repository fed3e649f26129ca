#if NIO
    import NIOCore
    import Proactor

    /// What a loop has still to do at some time. It fails what is left when it closes. On the loop's thread only.
    struct ScheduledWork {
        private var entries: [ScheduledEntry] = []

        mutating func insert(_ entry: ScheduledEntry) {
            entry.index = entries.count
            entries.append(entry)
        }

        /// The last one takes its place.
        mutating func remove(_ entry: ScheduledEntry) {
            guard entry.index >= 0 else { return }
            let last = entries.removeLast()
            if last !== entry {
                last.index = entry.index
                entries[entry.index] = last
            }
            entry.index = -1
        }

        mutating func takeAll() -> [ScheduledEntry] {
            defer { entries = [] }
            for entry in entries { entry.index = -1 }
            return entries
        }
    }

    /// One of them.
    ///
    /// `@unchecked Sendable`: it belongs to the loop's thread but for the closures, which are called there.
    final class ScheduledEntry: @unchecked Sendable {
        let perform: () -> Void
        let fail: (any Error) -> Void
        /// Its place in ``ScheduledWork``, or below zero.
        @exclusivity(unchecked) var index = -1
        @exclusivity(unchecked) var timer: TimerHandle?
        /// Whether it was cancelled, perhaps before the loop has heard of it.
        @exclusivity(unchecked) var isCancelled = false

        init(perform: @escaping () -> Void, fail: @escaping (any Error) -> Void) {
            self.perform = perform
            self.fail = fail
        }
    }
#endif
