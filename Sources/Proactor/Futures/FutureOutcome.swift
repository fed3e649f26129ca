/// A future's outcome in one piece, for what hands it over from one thread to another.
enum FutureOutcome<Value> {
    case succeeded(Value)
    case failed(any Error)
    case cancelled

    /// The outcome that an error means.
    init(error: any Error) {
        self = error is CancellationError ? .cancelled : .failed(error)
    }
}

/// What a future has succeeded with.
final class FutureValue<Value> {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}
