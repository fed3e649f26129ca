/// A done callback that was added within a task: a job carries that task's values, and finds here what it has
/// to do.
final class ContextDoneCallback<Value> {
    private var callback: ((Future<Value>) throws -> Void)?
    private var future: Future<Value>?

    init(_ callback: @escaping (Future<Value>) throws -> Void) {
        self.callback = callback
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
