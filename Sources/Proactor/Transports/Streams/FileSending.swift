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
    /// How far the step has come, when it is of a file. Alive as long as `memory` is.
    private var transfer: UnsafeMutablePointer<FileTransfer>?

    /// How much of the file the socket has taken in this step.
    var sentByteCount: Int64 { transfer?.pointee.sent ?? 0 }

    /// The step's operation was submitted.
    func begin(_ operation: IOOperation, _ token: OperationToken, _ future: Future<Int32>) {
        if case .sendFile(let transfer) = operation { self.transfer = transfer }
        step = .inFlight(token, future)
    }

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
        transfer = nil
        memory = nil
        switch finished {
        case .none: preconditionFailure("a step that was not under way ended")
        case .waiting(_, let future), .inFlight(_, let future):
            future.succeed(result)
        }
    }
}
