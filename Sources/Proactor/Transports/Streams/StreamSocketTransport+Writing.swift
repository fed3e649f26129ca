import SystemPackage

extension StreamSocketTransport {
    /// From how many bytes the first write of a turn is offered to the kernel at once. Gathering saves a small write a
    /// system call, a large one pays more for the copy into the queue.
    private static let immediateSendSize = 8 * 1024
    /// The same of those that follow it in the turn: a system call, and a wake-up of the peer, for each smaller piece of a long
    /// stream cost more than copies.
    private static let laterImmediateSendSize = 32 * 1024
    /// What a turn's callbacks may hand to the kernel for one connection before the turn's end, if its high mark is not above
    /// that, in bytes.
    private static let sourceShare = 64 * 1024

    func write(_ data: RawSpan) {
        // The span holds its bytes for the call, and the queue copies them.
        data.withUnsafeBytes { write($0) }
    }

    func write(_ data: [UInt8]) {
        guard data.count >= WriteQueue.keptArraySize else { return data.withUnsafeBytes { write($0) } }
        keep(data[...])
    }

    func write(_ data: ArraySlice<UInt8>) {
        guard data.count >= WriteQueue.keptArraySize else { return data.withUnsafeBytes { write($0) } }
        keep(data)
    }

    /// Sends what is large enough to be kept rather than copied.
    private func keep(_ data: ArraySlice<UInt8>) {
        loop.checkThread("write")
        guard acceptsWrites() else { return }
        let sent = data.withUnsafeBytes { sendsAtOnce($0.count) ? send($0) : 0 }
        writes.append(data.dropFirst(sent), pool: loop.buffers)
        didGather()
    }

    func write(_ text: String) {
        write(text.utf8Span.span.bytes)
    }

    func write(_ buffer: consuming OwnedBuffer) {
        loop.checkThread("write")
        guard acceptsWrites() else { return }
        writes.append(buffer, pool: loop.buffers)
        didGather()
    }

    func writeLines(_ pieces: some Sequence<[UInt8]>) {
        loop.checkThread("writeLines")
        guard acceptsWrites() else { return }
        for piece in pieces { piece.withUnsafeBytes { writes.append($0, pool: loop.buffers) } }
        didGather()
    }

    @inline(__always)
    private func write(_ bytes: UnsafeRawBufferPointer) {
        loop.checkThread("write")
        guard acceptsWrites() else { return }
        guard sendsAtOnce(bytes.count) else { return enqueue(bytes) }
        let sent = send(bytes)
        if sent < bytes.count { enqueue(UnsafeRawBufferPointer(rebasing: bytes[sent...])) }
    }

    /// Whether a write of so many bytes is offered to the kernel at once.
    @inline(__always)
    private func sendsAtOnce(_ count: Int) -> Bool {
        guard count >= Self.immediateSendSize, writes.byteCount == 0 else { return false }
        return !isUnflushed || count >= Self.laterImmediateSendSize && loop.isRunningCallbacks && mayOffer
    }

    /// Sends what the kernel takes of bytes that are next, as nothing is queued or in flight.
    private func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        let sent = max(noteFailure(sendAtOnce(bytes)), 0)
        markUnflushed()
        noteOffered(sent)
        return sent
    }

    /// The kernel tells once why a connection is lost, and it may have been here. What it acknowledged before is still to be
    /// received, so the loss waits for the next operation that fails or ends.
    @inline(__always)
    private func noteFailure(_ result: Int) -> Int {
        if result < 0 { sendErrno = Int32(-result) }
        return result
    }

    @inline(__always)
    private func enqueue(_ bytes: UnsafeRawBufferPointer) {
        writes.append(bytes, pool: loop.buffers)
        didGather()
    }

    @inline(__always)
    private func acceptsWrites() -> Bool {
        if phase == .open, writeEnd == .open, fileSending == nil {
            isUsed = true
            return true
        }
        refuseWrite()
        return false
    }

    @inline(__always)
    private func didGather() {
        guard writes.byteCount > 0 else { return }
        markUnflushed()
        guard writes.byteCount > Int(flow.high), !flow.isPaused else { return }
        if mayOffer { offerQueued() }
        pauseProtocolIfNeeded(unsent: writes.byteCount)
    }

    /// What was gathered in this turn is no reason to pause the protocol, nor what anybody asks for who asks how much waits for
    /// the peer. A pause for nothing is dear: a forwarder stops receiving, keeps what comes meanwhile, and begins anew, turn
    /// after turn.
    @inline(never)
    func offerQueued() {
        guard isOpenOrFlushing, !writes.isInFlight else { return }
        // What follows in this turn is gathered anew.
        markUnflushed()
        while let bytes = writes.firstBytes {
            // Nothing is in flight, so these bytes are next.
            let sent = max(noteFailure(sendAtOnce(bytes)), 0)
            writes.sentAtOnce(sent, pool: loop.buffers)
            noteOffered(sent)
            if sent < bytes.count { return }
        }
    }

    /// Whether what is written now may be offered to the kernel before the turn's end.
    ///
    /// Who writes by callbacks of its own is a source, and can produce more than anybody takes: it has a share of the turn, too,
    /// and is paused when that is in the kernel and as much as the high mark says is ready. Else it would fill the kernel's
    /// buffers one connection after the other, and each peer would be woken for every piece. Who forwards or answers what a
    /// delivery has brought has no more than that.
    private var mayOffer: Bool {
        guard loop.isRunningCallbacks, offeredInTurn == loop.turnNumber else { return true }
        return Int(offeredCount) < max(Self.sourceShare, Int(flow.high))
    }

    func offerGathered() {
        if mayOffer { offerQueued() }
    }

    private func noteOffered(_ count: Int) {
        if offeredInTurn != loop.turnNumber {
            offeredInTurn = loop.turnNumber
            offeredCount = 0
        }
        // What one turn offers beyond 4 GiB is more than any share.
        offeredCount = UInt32(clamping: Int(offeredCount) + count)
    }

    @inline(never)
    private func refuseWrite() {
        guard phase == .open else { return ignoreLateWrite("written to") }
        var context = ExceptionContext(
            message: "a write was dropped",
            error: writeEnd == .open ? SendFileError.inProgress : EventLoopError.invalidState(refusal)
        )
        context.transport = self
        loop.callExceptionHandler(context)
    }

    // MARK: - End of stream

    func writeEOF() {
        loop.checkThread("writeEOF")
        guard phase == .open, writeEnd == .open else { return }
        guard hasTwoEnds else { return close() }
        writeEnd = .requested
        markUnflushed()
    }

    // MARK: - Keeping a send in flight

    /// Sends what there is, or, when all is sent, what comes after it.
    func reconcileWriting() {
        guard isOpenOrFlushing else { return stopSending() }
        guard case .idle = sendState else {
            // What waits for room may have been taken all the same.
            if writes.byteCount == 0 { stopWaitingForRoom() }
            return
        }
        if writes.byteCount > 0 {
            if !sendsWithoutOperation || !sendWithoutOperation() {
                sendState = .sending(loop.backend.submit(makeSend(), owner: self))
            }
        } else if fileSending != nil {
            startFileStep()
        } else {
            allSent()
        }
    }

    /// Whether what is queued may go out past the operations: the kernel is asked now anyway, and nobody waits to hear of it.
    private var sendsWithoutOperation: Bool {
        asksAtOnce && sendErrno == 0 && !flow.isPaused && writeProgress?.waitsForProgress != true
    }

    /// Returns false when that is not for the kernel to take in one piece, or has failed, which an operation is to find out.
    private func sendWithoutOperation() -> Bool {
        guard let bytes = writes.firstBytes, bytes.count == writes.byteCount else { return false }
        let sent = noteFailure(sendAtOnce(bytes))
        guard sent >= 0 else { return false }
        if sent > 0 { sendErrno = 0 }
        writes.sentAtOnce(sent, pool: loop.buffers)
        if writes.byteCount == 0 {
            loop.meter?.sentWithoutOperation()
            sendOver()
        } else {
            waitForRoom()
        }
        return true
    }

    private func waitForRoom() {
        sendState = .waitingForRoom(loop.backend.submit(.waitUntilWritable(descriptor), owner: self))
    }

    private func stopSending() {
        switch sendState {
        case .idle: break
        case .sending(let token), .waitingForRoom(let token): loop.backend.cancel(token)
        }
        stopFileStep()
    }

    private func stopWaitingForRoom() {
        if case .waitingForRoom(let token) = sendState { loop.backend.cancel(token) }
    }

    func sendCompleted(_ completion: Completion) {
        guard case .sending(let token) = sendState, token == completion.token, completion.isFinal else {
            preconditionFailure("a send completed that was not in flight")
        }
        sendState = .idle
        writes.sendCompleted(max(Int(completion.result), 0), pool: loop.buffers)
        guard isOpenOrFlushing else { return }
        if let errno = completion.errno {
            guard errno == .resourceTemporarilyUnavailable else { return sendFailed(errno) }
            // A pipe's write waits by itself.
            return waitForRoom()
        }
        // Whatever it was that a send at once has met, the connection is not lost by it.
        sendErrno = 0
        resumeProtocolIfPossible(unsent: writes.byteCount)
        if let writeProgress, writeProgress.waitsForProgress { writeProgress.bytesWereTaken() }
        sendOver()
    }

    /// Goes on with what is next, if there is anything.
    @inline(__always)
    private func sendOver() {
        if writes.byteCount > 0 || fileSending != nil || filter?.wantsFill == true {
            markUnflushed()
        } else {
            allSent()
        }
    }

    func roomCame(_ completion: Completion) {
        guard case .waitingForRoom(let token) = sendState, token == completion.token, completion.isFinal
        else {
            return waitCompleted(completion)
        }
        sendState = .idle
        markUnflushed()
        guard isOpenOrFlushing, let errno = completion.errno, errno != .canceled else { return }
        sendFailed(errno)
    }

    private func sendFailed(_ errno: Errno) {
        loseConnection(failure(.send, sendErrno == 0 ? errno : Errno(rawValue: sendErrno)))
    }

    @inline(__always)
    private func allSent() {
        if writeEnd == .requested {
            writeEnd = .sent
            sendEnd()
        }
        if phase == .flushing { loseConnection(nil) }
    }
}
