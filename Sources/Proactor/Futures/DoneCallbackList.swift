/// What waits for a future, in the order it came. The first has a place of its own, so that the usual single
/// waiter costs no memory.
struct DoneCallbackList<Value> {
    private var first: DoneCallback<Value>?
    private var others: [DoneCallback<Value>] = []

    mutating func append(_ callback: DoneCallback<Value>) {
        if first == nil { first = callback } else { others.append(callback) }
    }

    mutating func remove(number: Int) -> DoneCallback<Value>? {
        if let callback = first, callback.isNumbered(number) {
            first = others.isEmpty ? nil : others.removeFirst()
            return callback
        }
        guard let index = others.firstIndex(where: { $0.isNumbered(number) }) else { return nil }
        return others.remove(at: index)
    }

    /// Empties the list, then calls `body` with each: `body` may add to the list again.
    mutating func takeAll() -> DoneCallbackList {
        defer { self = DoneCallbackList() }
        return self
    }

    func forEach(_ body: (DoneCallback<Value>) -> Void) {
        guard let first else { return }
        body(first)
        for callback in others { body(callback) }
    }
}
