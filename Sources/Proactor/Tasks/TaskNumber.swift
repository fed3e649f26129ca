import Synchronization

/// Numbers for tasks without a name, unique in the process.
enum TaskNumber {
    private static let last = Atomic<Int>(0)

    static func next() -> Int {
        last.add(1, ordering: .relaxed).newValue
    }
}
