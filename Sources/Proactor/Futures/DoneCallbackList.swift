/// What waits for a future and came before all else. Nothing of it depends on the result's type, see ``Future``.
enum FirstWait {
    case nobody
    /// A task that is suspended in ``Future/value()``.
    case task(UnsafeContinuation<Void, Never>)
    /// Something of the library's that hears of it at once.
    case watcher(FutureWatcher, number: Int)

    var watcher: FutureWatcher? {
        if case .watcher(let watcher, _) = self { watcher } else { nil }
    }
}

/// What waits for a future.
enum DoneCallback<Value> {
    /// A task that is suspended in ``Future/value()``.
    case waiter(UnsafeContinuation<Void, Never>)
    /// Something of the library's that hears of it at once.
    case watcher(FutureWatcher, number: Int)
    /// A callback without a task's context.
    case callback(number: Int, (Future<Value>) throws -> Void)
    /// A callback with the context of the task that added it.
    case contextCallback(number: Int, ContextDoneCallback<Value>, UnownedJob)

    func isNumbered(_ wanted: Int) -> Bool {
        switch self {
        case .waiter, .watcher: false
        case .callback(let number, _), .contextCallback(let number, _, _): number == wanted
        }
    }

    /// It will not be called.
    func discard() {
        guard case .contextCallback(_, let callback, let job) = self else { return }
        callback.disarm()
        callback.loop.discard(job)
    }
}

/// What waits for a future beside the task that came first, in the order it came. The first has a place of its own, so
/// that a single callback costs no array.
///
/// An object, which most futures never make: a list within the future would be taken apart with it, and for that the Swift
/// runtime is asked for its type.
final class DoneCallbackList<Value> {
    private var first: DoneCallback<Value>?
    private var others: [DoneCallback<Value>] = []

    deinit {
        // What is left is never called.
        takeEach { $0.discard() }
    }

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

    func remove(_ watcher: FutureWatcher) {
        let isIt = { (callback: DoneCallback<Value>) in
            if case .watcher(let other, _) = callback { other === watcher } else { false }
        }
        if let callback = first, isIt(callback) { first = nil }
        others.removeAll(where: isIt)
    }

    /// Empties the list.
    func takeEach(_ body: (DoneCallback<Value>) -> Void) {
        let (first, others) = (first, others)
        self.first = nil
        self.others = []
        if let first { body(first) }
        for callback in others { body(callback) }
    }
}

/// A done callback that was added within a task: a job carries that task's values, and finds here what it has
/// to do.
final class ContextDoneCallback<Value> {
    private var callback: ((Future<Value>) throws -> Void)?
    private var future: Future<Value>?
    let loop: BaseEventLoop

    init(_ callback: @escaping (Future<Value>) throws -> Void, loop: BaseEventLoop) {
        self.callback = callback
        self.loop = loop
    }

    /// What the job runs. Without a future it was removed, and the job does nothing but end.
    func run() throws {
        guard let callback, let future else { return }
        self.callback = nil
        self.future = nil
        try callback(future)
    }

    func arm(with future: Future<Value>) {
        self.future = future
    }

    /// Lets go of what the callback holds, and makes the job do nothing.
    func disarm() {
        callback = nil
        future = nil
    }
}
