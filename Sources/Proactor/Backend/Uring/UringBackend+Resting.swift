import Glibc

/// What is ready for ever and brings nothing: see ``RestingOperations``.
extension UringBackend {
    /// How many failures in a row that are no matter of its own an operation outlives without a rest.
    private static let failuresMax: UInt8 = 64

    /// Whether an operation that has to wait for a side of its descriptor had better rest, since waits end at once and bring
    /// nothing. The first one finds out only that it has to wait: no need to look, and many do not wait twice.
    func waitsInVain(_ record: UnsafeMutablePointer<OperationTable.Record>, for side: Readiness) -> Bool {
        let tries = record.pointee.vainTries
        guard tries > 0 else {
            record.pointee.vainTries = 1
            return false
        }
        guard let descriptor = record.pointee.operation.descriptor,
            system.isReady(descriptor, for: side), !takeQueuedErrors(record)
        else {
            record.pointee.vainTries = 1
            return false
        }
        // Only what goes on for ever is of interest, so the count may stop.
        if tries < .max { record.pointee.vainTries = tries + 1 }
        return record.pointee.vainTries >= RestingOperations.vainTriesMax
    }

    /// Counts a failure.
    func failsForEver(_ record: UnsafeMutablePointer<OperationTable.Record>) -> Bool {
        if record.pointee.vainTries < .max { record.pointee.vainTries += 1 }
        return record.pointee.vainTries >= Self.failuresMax
    }

    /// A request to cancel found nothing. Its target may be over; or the kernel was just about to try it once more, as it does
    /// over and over with a socket that is ready for ever, and then it would wait on as if nobody had asked. Of the requests
    /// for a file's steps all but one find nothing.
    func cancelAgain(_ request: OperationToken) {
        guard let record = table.find(request), record.pointee.state == .cancelling,
            record.pointee.operation.kind != .sendFile
        else { return }
        requestCancel(of: request.named(record.pointee.operation.kind))
    }

    /// Whether a wait for a hang-up has found errors in a queue. Behind them there may be one, and then it is found next.
    func isOnlyQueuedError(_ events: Int32, _ record: UnsafeMutablePointer<OperationTable.Record>) -> Bool {
        events & POLLERR != 0 && record.pointee.state == .inFlight && takeQueuedErrors(record)
    }

    @discardableResult
    func takeQueuedErrors(_ record: UnsafeMutablePointer<OperationTable.Record>) -> Bool {
        record.pointee.owner?._withUnsafeGuaranteedRef { $0.takeQueuedErrors() } ?? false
    }

    func rest(_ record: UnsafeMutablePointer<OperationTable.Record>, token: OperationToken) {
        table.transition(record, to: .parked)
        resting.add(token, vainTries: record.pointee.vainTries, now: system.now())
    }

    /// Has those try again that have rested.
    func endRests() {
        // What was cancelled meanwhile is not there any more.
        for token in resting.takeRested(now: system.now()) { rearmParked(token) }
    }
}
