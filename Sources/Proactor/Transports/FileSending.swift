import SystemPackage

/// What a transport does for a file that is sent, while nothing else may be written: one operation on its socket at a time.
final class FileSending {
    enum Step {
        case none
        /// Until what was written before is sent.
        case waiting(IOOperation, UnsafeContinuation<Int32, Never>)
        case inFlight(OperationToken, UnsafeContinuation<Int32, Never>)
    }

    var step = Step.none
    /// Which step it is: a cancel that comes late must not hit another one.
    var stepNumber = 0
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
        case .waiting(_, let continuation), .inFlight(_, let continuation):
            continuation.resume(returning: result)
        }
    }
}
