/// Where a future is in its life. It leaves `pending` once, and for good.
enum FutureState<Value> {
    case pending
    case succeeded(Value)
    case failed(any Error)
    case cancelled

    var isPending: Bool {
        if case .pending = self { true } else { false }
    }

    /// The outcome that an error means.
    init(error: any Error) {
        self = error is CancellationError ? .cancelled : .failed(error)
    }
}
