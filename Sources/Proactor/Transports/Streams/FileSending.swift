import SystemPackage

/// What a transport does for a file that is sent, while nothing else may be written: one operation on its socket at a time.
final class FileSending {
    enum Step {
        case none
        /// Until what was written before is sent.
        case waiting(IOOperation, Future<Int32>)
        case inFlight(OperationToken, Future<Int32>)
    }

    var step = Step.none
    /// Why the connection was lost meanwhile, when it was the system's doing.
    var lossReason: Errno?
    /// Owns what the step's operation points to.
    var memory: AnyObject?

    var isInFlight: Bool {
        if case .inFlight = step { true } else { false }
    }

    /// Ends a step that the loss of the connection ended.
    func finishLost() {
        finish(-(lossReason ?? .canceled).rawValue)
    }

    /// Ends the step.
    func finish(_ result: Int32) {
        let finished = step
        step = .none
        memory = nil
        switch finished {
        case .none: preconditionFailure("a step that was not under way ended")
        case .waiting(_, let future), .inFlight(_, let future):
            future.succeed(result)
        }
    }
}
