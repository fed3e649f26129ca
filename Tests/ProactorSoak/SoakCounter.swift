import Synchronization

/// Counts objects that are alive.
final class SoakCounter: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .sequentiallyConsistent) }

    func add(_ difference: Int) {
        count.add(difference, ordering: .sequentiallyConsistent)
    }
}
