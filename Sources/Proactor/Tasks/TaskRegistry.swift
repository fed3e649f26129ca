/// A task as its loop's list of tasks sees it.
protocol RegisteredTask: AnyLoopTask {
    var loop: BaseEventLoop { get }
    /// The runtime's task whose waits this one keeps: its own, or, while that waits for a ``CancelScope``'s child, the child.
    var runningTask: UnsafeRawPointer? { get set }
    /// Whether ``KnownTasks`` has it by that name. Another name makes it unknown.
    var isKnown: Bool { get set }

    /// The runtime's task of that name waits: a cancel reaches `wait`, which the caller holds until ``endWait()``.
    func begin(_ wait: any CancellableWait)
    func endWait()
    /// What the running task waits for was cancelled, by a cancel that the runtime's tasks know of already.
    func tellWaitOfCancel()
    /// Calls `body` in the turn after the task is done.
    func whenDone(_ body: @escaping () -> Void)
    /// The loop was closed: drops whatever waits for the task.
    func abandon()
}

/// The tasks of a loop that are not done. Entering and leaving costs no search, and tasks that are done cost
/// nothing.
struct TaskRegistry {
    private var entries: [(any RegisteredTask)?] = []
    private var free: [Int] = []

    var count: Int { entries.count - free.count }

    /// Takes a task in, and returns its place, for ``remove(at:)``.
    mutating func insert(_ task: any RegisteredTask) -> Int {
        if let place = free.popLast() {
            precondition(entries[place] == nil, "two tasks were given the same place")
            entries[place] = task
            return place
        }
        entries.append(task)
        return entries.count - 1
    }

    mutating func remove(at place: Int) {
        precondition(entries[place] != nil, "a task was removed twice")
        entries[place] = nil
        free.append(place)
    }

    /// All of them, the oldest first as far as places were not used again.
    var all: [any RegisteredTask] { entries.compactMap { $0 } }

    /// Empties the registry and returns what was in it.
    mutating func takeAll() -> [any RegisteredTask] {
        defer { self = TaskRegistry() }
        return all
    }
}
