/// The tasks that wait for a child's end, in the order they came. The first has a place of its own, so that the usual single
/// one costs no memory.
struct ExitWaiterList {
    private var first: ExitWaiter?
    private var others: [ExitWaiter] = []

    mutating func append(_ waiter: ExitWaiter) {
        if first == nil { first = waiter } else { others.append(waiter) }
    }

    /// Forgets one that waits no longer, if it is still there.
    mutating func remove(_ waiter: ExitWaiter) {
        if first === waiter {
            first = others.isEmpty ? nil : others.removeFirst()
        } else if let index = others.firstIndex(where: { $0 === waiter }) {
            others.remove(at: index)
        }
    }

    /// Empties the list: who is told may change it.
    mutating func takeAll() -> ExitWaiterList {
        defer { self = ExitWaiterList() }
        return self
    }

    func forEach(_ body: (ExitWaiter) -> Void) {
        guard let first else { return }
        body(first)
        for waiter in others { body(waiter) }
    }
}
