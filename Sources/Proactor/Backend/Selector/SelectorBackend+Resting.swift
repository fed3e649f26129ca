/// What is ready for ever and brings nothing.
extension SelectorBackend {
    /// An operation's descriptor was ready, and its call said "not now". Somebody else may have been faster. When the descriptor
    /// is ready all the same, the next wait will end at once, in vain as this one did: the errors that may be the reason are
    /// taken by whoever they concern, and what stays ready without any rests.
    func triedInVain(_ token: OperationToken) {
        guard let record = table.find(token), record.pointee.state == .inFlight,
            let descriptor = record.pointee.operation.descriptor, let side = record.pointee.operation.side
        else { return }
        guard system.isReady(descriptor, for: side) else {
            record.pointee.vainTries = 0
            return
        }
        guard !takeQueuedErrors(record) else {
            record.pointee.vainTries = 0
            return
        }
        // Only what goes on for ever is of interest, so the count may stop.
        if record.pointee.vainTries < .max { record.pointee.vainTries += 1 }
        guard record.pointee.vainTries >= RestingOperations.vainTriesMax else { return }
        stopWaiting(record.pointee.operation)
        resting.add(token, vainTries: record.pointee.vainTries, now: system.now())
    }

    func takeQueuedErrors(_ record: UnsafeMutablePointer<OperationTable.Record>) -> Bool {
        record.pointee.owner?._withUnsafeGuaranteedRef { $0.takeQueuedErrors() } ?? false
    }

    /// Has those wait again that have rested, and returns how long the wait may last that would have lasted so long.
    func endRests(before timeoutNanoseconds: Int64) -> Int64 {
        let now = system.now()
        for token in resting.takeRested(now: now) {
            guard let operation = table.find(token)?.pointee.operation,
                let descriptor = operation.descriptor, let interest = operation.interest
            else { preconditionFailure("only what waits for a descriptor rests") }
            wait(descriptor.rawValue, interest, token)
        }
        return resting.limit(timeoutNanoseconds, now: now)
    }

    private static let connectRetryNanoseconds: Int64 = 1_000_000

    /// How long a wait may last, in nanoseconds, that the loop would have last so long; below zero is without limit.
    package func limit(_ timeoutNanoseconds: Int64) -> Int64 {
        var timeout = timeoutNanoseconds
        if !connectRetries.isEmpty, timeout < 0 || timeout > Self.connectRetryNanoseconds {
            timeout = Self.connectRetryNanoseconds
        }
        if !resting.isEmpty { timeout = endRests(before: timeout) }
        if !completed.isEmpty || !untried.isEmpty || !ready.isEmpty || !sated.isEmpty { timeout = 0 }
        return timeout
    }
}
