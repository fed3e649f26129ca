/// What an exception handler is told of a future that was released before anybody looked at its error. The future itself
/// is going away at that moment, and nobody can hold on to it any more.
class ReleasedFuture: AnyFuture, CustomStringConvertible {
    let description: String
    private let error: any Error
    private let loop: BaseEventLoop

    init(_ description: String, error: any Error, loop: BaseEventLoop) {
        self.description = description
        self.error = error
        self.loop = loop
    }

    var done: Bool { true }
    var cancelled: Bool { false }
    func cancel() -> Bool { false }
    func exception() -> (any Error)? { error }
    func getLoop() -> any AbstractEventLoop { loop }
}
