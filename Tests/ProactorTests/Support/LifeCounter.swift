import Synchronization

/// Counts the objects that are alive.
final class LifeCounter: Sendable {
    private let count = Atomic<Int>(0)

    var alive: Int { count.load(ordering: .sequentiallyConsistent) }

    func makeObject() -> Object { Object(self) }

    final class Object: Sendable {
        private let counter: LifeCounter

        init(_ counter: LifeCounter) {
            self.counter = counter
            counter.count.add(1, ordering: .sequentiallyConsistent)
        }

        deinit {
            counter.count.subtract(1, ordering: .sequentiallyConsistent)
        }

        /// For closures that shall hold it.
        func touch() {}
    }
}
