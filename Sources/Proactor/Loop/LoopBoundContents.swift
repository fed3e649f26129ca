/// What is in a ``LoopBound``: it outlives the box for as long as it takes to let go of it on the loop's thread.
final class LoopBoundContents<Value> {
    private var stored: Value?

    init(_ value: Value) {
        stored = value
    }

    var value: Value {
        guard let stored else { preconditionFailure("a box was opened after its contents were released") }
        return stored
    }

    /// Lets go of the value, whoever still holds this.
    func release() {
        stored = nil
    }
}
