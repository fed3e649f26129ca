/// What waits for a future beside the task that came first, in the order it came. The first has a place of its own, so
/// that a single callback costs no array.
///
/// An object, which most futures never make: a list within the future would be taken apart with it, and for that the Swift
/// runtime is asked for its type.
final class DoneCallbackList<Value> {
    private var first: DoneCallback<Value>?
    private var others: [DoneCallback<Value>] = []

    func append(_ callback: DoneCallback<Value>) {
        if first == nil, others.isEmpty { first = callback } else { others.append(callback) }
    }

    func remove(number: Int) -> DoneCallback<Value>? {
        if let callback = first, callback.isNumbered(number) {
            first = nil
            return callback
        }
        guard let index = others.firstIndex(where: { $0.isNumbered(number) }) else { return nil }
        return others.remove(at: index)
    }

    func forEach(_ body: (DoneCallback<Value>) -> Void) {
        if let first { body(first) }
        for callback in others { body(callback) }
    }
}
