import Glibc

/// Sending files: operations on the socket that go through the transport, so that they come after what was written before, that
/// nobody writes in between, and that the socket is not closed under them.
extension StreamSocketTransport {
    /// Keeps everybody else from writing until ``endSendingFile()``.
    func beginSendingFile() throws -> FileSending {
        guard fileSending == nil else { throw SendFileError.inProgress }
        guard phase == .open, writeEnd == .open else {
            throw EventLoopError.invalidState("\(self) is closing or at its end, and sends no file any more")
        }
        let sending = FileSending()
        fileSending = sending
        return sending
    }

    func endSendingFile() {
        precondition(fileSending?.isInFlight == false, "a file's sending ended with an operation in flight")
        fileSending = nil
        // A close or an end of stream may have waited for it.
        markUnflushed()
    }

    /// Performs one operation on the socket when all that was written before is sent. Returns its result, ECANCELED when the
    /// connection was lost.
    ///
    /// - Throws: `CancellationError`, when the task was cancelled and the operation ended in nothing.
    nonisolated(nonsending) func perform(
        _ operation: IOOperation,
        keeping memory: AnyObject,
        for sending: FileSending
    ) async throws -> Int32 {
        try checkCancellation()
        let future = loop.createFuture(of: Int32.self)
        sending.memory = memory
        sending.step = .waiting(operation, future)
        startFileStep()
        await future.untilDone { self.stopFileStep() }
        let result = try future.result()
        if result == -ECANCELED { try checkCancellation() }
        return result
    }

    /// Submits the step that waits, when its turn has come.
    func startFileStep() {
        guard let fileSending, case .waiting(let operation, let future) = fileSending.step else {
            return
        }
        guard isOpenOrFlushing else { return fileSending.finishLost() }
        guard case .idle = sendState, writes.byteCount == 0 else { return markUnflushed() }
        fileSending.begin(operation, loop.backend.submit(operation, owner: self), future)
    }

    /// The connection is lost: whatever is under way for a file has no purpose any more.
    func stopFileStep() {
        guard let fileSending else { return }
        switch fileSending.step {
        case .none: break
        case .waiting: fileSending.finishLost()
        case .inFlight(let token, _): loop.backend.cancel(token)
        }
    }

    func fileStepCompleted(_ completion: Completion) {
        guard let fileSending, case .inFlight(let token, _) = fileSending.step, token == completion.token
        else {
            preconditionFailure("a send completed that was not in flight")
        }
        if completion.result == -ECANCELED {
            fileSending.finishLost()
        } else {
            fileSending.finish(completion.result)
        }
    }
}
