/// What waits for a future.
enum DoneCallback<Value> {
    /// A task that is suspended in ``Future/value()``.
    case waiter(UnsafeContinuation<Void, Never>)
    /// A callback without a task's context.
    case callback(number: Int, (Future<Value>) throws -> Void)
    /// A callback with the context of the task that added it.
    case contextCallback(number: Int, ContextDoneCallback<Value>, UnownedJob)

    func isNumbered(_ wanted: Int) -> Bool {
        switch self {
        case .waiter: false
        case .callback(let number, _), .contextCallback(let number, _, _): number == wanted
        }
    }
}
