/// A ``ReleasedFuture`` for a task.
final class ReleasedTask: ReleasedFuture, AnyLoopTask {
    private(set) var name: String
    private let cancelRequests: Int

    init(_ name: String, cancelRequests: Int, description: String, error: any Error, loop: BaseEventLoop) {
        self.name = name
        self.cancelRequests = cancelRequests
        super.init(description, error: error, loop: loop)
    }

    func setName(_ name: String) { self.name = name }
    func cancelling() -> Int { cancelRequests }
}
