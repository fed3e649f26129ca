/// The result of work on an executor. Cancelling it keeps work that has not begun from beginning.
final class ExecutorFuture<Value>: Future<Value> {
    private let work: PendingWork<Value>

    init(loop: BaseEventLoop, work: sending @escaping () throws -> sending Value) {
        self.work = PendingWork(work)
        super.init(loop: loop)
    }

    @discardableResult
    override func cancel() -> Bool {
        guard super.cancel() else { return false }
        work.drop()
        return true
    }

    /// What an executor runs, once.
    func makeTicket() -> ExecutorTicket<Value> {
        ExecutorTicket(work: work, loop: loop, future: self)
    }
}
