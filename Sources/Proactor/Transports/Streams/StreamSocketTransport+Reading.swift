import SystemPackage

extension StreamSocketTransport {
    /// The room that a `BufferedProtocol` is asked for, in bytes.
    private static let sizeHint = 64 * 1024

    var isReading: Bool {
        loop.checkThread("isReading")
        return phase == .open && !isReadingPaused && endOfStream != .delivered
    }

    func pauseReading() {
        loop.checkThread("pauseReading")
        guard phase == .open, !isReadingPaused else { return }
        isReadingPaused = true
        markUnflushed()
    }

    func resumeReading() {
        loop.checkThread("resumeReading")
        guard phase == .open, isReadingPaused else { return }
        isReadingPaused = false
        markUnflushed()
        if holdsBack || endOfStream == .heldBack {
            loop.ready.push(.callback { self.deliverHeldBack() })
        }
    }

    // MARK: - Keeping a receive in flight

    private var canReceive: Bool { phase == .open && endOfStream == .notSeen }

    /// What is held back goes into a buffered protocol's buffers, of which the transport has one at a time.
    private var deliversFirst: Bool { bufferedProtocol != nil && holdsBack }

    /// A pause ends a receive of a stream protocol only when bytes have come meanwhile: most are over before, and to end
    /// the receive and begin it again costs more than the bytes. A buffered protocol gets its buffer back at once.
    @inline(__always)
    private func mustStop(_ token: OperationToken) -> Bool {
        let isSingle = token.isOf(.receiveInto) || token.isOf(.pipeReadInto)
        // A wait for something to receive is for either kind.
        let isForOtherProtocol =
            isSingle != (bufferedProtocol != nil) && !token.isOf(.waitUntilReadable)
        let pauseCounts = isSingle || holdsBack
        return !canReceive || isForOtherProtocol || isReadingPaused && pauseCounts
    }

    /// Starts or ends the receive, as the state wants it.
    func reconcileReading() {
        switch readState {
        case .idle:
            if canReceive && !isReadingPaused && !deliversFirst { startReceiving() }
        case .receiving(let token):
            if mustStop(token) { stopReceiving(token) }
        case .stopping:
            break
        }
    }

    private func startReceiving() {
        if let wait = waitBeforeReceiving {
            readState = .receiving(loop.backend.submit(wait, owner: self))
            return
        }
        guard let buffered, let bufferedProtocol else {
            readState = .receiving(loop.backend.submit(makeReceive(), owner: self))
            return
        }
        guard let buffer = obtainBuffer(from: bufferedProtocol) else { return }
        guard canReceive, !isReadingPaused else { return bufferedProtocol.bufferReturned(buffer) }
        // The buffer's memory stays put while the transport holds it, and it does so until the final completion.
        let room = buffer.unfilled
        buffered.keep(buffer)
        readState = .receiving(loop.backend.submit(makeReceive(into: room), owner: self))
    }

    /// `nil` when there is none to be had. A protocol that has handed over within the call gets it back, for what comes is its
    /// successor's: the transport asks that one then.
    private func obtainBuffer(from bufferedProtocol: any BufferedProtocol) -> OwnedBuffer? {
        do {
            let buffer = try bufferedProtocol.getBuffer(sizeHint: Self.sizeHint)
            guard bufferedProtocol === self.bufferedProtocol else {
                bufferedProtocol.bufferReturned(buffer)
                return nil
            }
            if buffer.room > 0 { return buffer }
            throw EventLoopError.invalidState("getBuffer returned a buffer without room")
        } catch {
            protocolFailed(error, in: "getBuffer")
            return nil
        }
    }

    // MARK: - Completions

    func receiveCompleted(_ completion: Completion) {
        if completion.isFinal { receiveEnded() }
        if completion.result > 0 {
            isUsed = true
            receive(completion.bytes)
        } else {
            endOrFail(completion)
        }
    }

    func receiveIntoCompleted(_ completion: Completion) {
        precondition(completion.isFinal, "a single receive completed twice")
        receiveEnded()
        guard let buffered else { preconditionFailure("a receive into a buffer that nobody lent") }
        var buffer = buffered.takeBack()
        let formerLender = buffered.takeFormerLender()
        guard completion.result > 0 else {
            (formerLender ?? bufferedProtocol)?.bufferReturned(buffer)
            return endOrFail(completion)
        }
        isUsed = true
        let count = Int(completion.result)
        buffer.didFill(count)
        if let formerLender {
            // The bytes are its successor's, and the buffer is its own.
            buffer.withBytes { bytes in bytes.withUnsafeBytes { receive(.init(rebasing: $0.suffix(count))) } }
            buffer.removeLast(count)
            return formerLender.bufferReturned(buffer)
        }
        guard phase == .open, let owner = bufferedProtocol else { return }
        guard !mustHoldBack else {
            // It paused while the kernel had the buffer: the new bytes wait here, and the buffer goes back without them.
            buffer.withBytes { bytes in
                bytes.withUnsafeBytes { holdBack(.init(rebasing: $0.suffix(count))) }
            }
            buffer.removeLast(count)
            return owner.bufferReturned(buffer)
        }
        do { try owner.bufferUpdated(buffer, received: count) } catch {
            protocolFailed(error, in: "bufferUpdated")
        }
    }

    func endOrFail(_ completion: Completion) {
        // A send that was told of a reset leaves to the receive what looks like the end of the stream.
        let isReset = sendErrno != 0 && sendErrno != Errno.brokenPipe.rawValue
        let earlier = isReset ? Errno(rawValue: sendErrno) : nil
        guard let errno = completion.errno ?? earlier else { return receivedEndOfStream() }
        guard errno != .canceled else { return }
        guard phase == .open, endOfStream == .notSeen, mustHoldBack else { return receiveFailed(errno) }
        // What came before it is acknowledged and still to be delivered. A connection that a send finds broken is lost at
        // once: its protocol may be waiting for that very send before it reads on.
        endOfStream = .heldBack
        heldBackErrno = errno.rawValue
    }

    private func receiveFailed(_ errno: Errno) {
        loseConnection(failure(.receive, errno))
    }

    // MARK: - Delivery

    /// Earlier bytes go first, and a paused protocol gets none.
    private var mustHoldBack: Bool { isReadingPaused || holdsBack }

    @inline(__always)
    private func receive(_ bytes: UnsafeRawBufferPointer) {
        guard phase == .open else { return }
        if mustHoldBack {
            holdBack(bytes)
        } else {
            deliver(bytes)
        }
    }

    @inline(__always)
    private func deliver(_ bytes: UnsafeRawBufferPointer) {
        guard let streamProtocol else { return deliverInPieces(bytes) }
        do {
            // The bytes live for the call: the backend, or deliverHeldBack, holds them.
            try streamProtocol.dataReceived(bytes.bytes)
        } catch {
            protocolFailed(error, in: "dataReceived")
        }
    }

    /// For a `BufferedProtocol` that took over from a `StreamProtocol`: copies into its buffers. After each piece it may
    /// have paused, or have handed over to another protocol in its turn.
    private func deliverInPieces(_ bytes: UnsafeRawBufferPointer) {
        var remaining = bytes
        while remaining.count > 0, phase == .open {
            guard !isReadingPaused else {
                return holdBack(remaining)
            }
            guard let bufferedProtocol else { return deliver(remaining) }
            guard var buffer = obtainBuffer(from: bufferedProtocol) else { continue }
            // Asked for a buffer, it may have paused, or closed the transport.
            guard phase == .open, !isReadingPaused else {
                bufferedProtocol.bufferReturned(buffer)
                continue
            }
            let count = min(buffer.room, remaining.count)
            buffer.append(UnsafeRawBufferPointer(rebasing: remaining[..<count]).bytes)
            remaining = UnsafeRawBufferPointer(rebasing: remaining[count...])
            do { try bufferedProtocol.bufferUpdated(buffer, received: count) } catch {
                protocolFailed(error, in: "bufferUpdated")
            }
        }
    }

    private func holdBack(_ bytes: UnsafeRawBufferPointer) {
        if !holdsBack { swap(&heldBack, &loop.spareBytes) }
        heldBack.append(contentsOf: bytes)
        markUnflushed()
    }

    private func deliverHeldBack() {
        guard phase == .open, !isReadingPaused else { return }
        // A buffered protocol's receive waits for this.
        markUnflushed()
        var bytes: [UInt8] = []
        if holdsBack { swap(&bytes, &heldBack) }
        if !bytes.isEmpty { bytes.withUnsafeBytes { deliver($0) } }
        loop.keepSpare(&bytes)
        guard endOfStream == .heldBack else { return }
        // The protocol may have paused again on what it was just given.
        if !isReadingPaused, phase == .open { deliverEndOfStream() }
    }

    private func receivedEndOfStream() {
        guard phase == .open, endOfStream == .notSeen else { return }
        if mustHoldBack { endOfStream = .heldBack } else { deliverEndOfStream() }
    }

    private func deliverEndOfStream() {
        endOfStream = .delivered
        guard heldBackErrno == 0 else { return receiveFailed(Errno(rawValue: heldBackErrno)) }
        do {
            let keepsWriting = try currentProtocol?.eofReceived() ?? false
            if !keepsWriting || !hasTwoEnds { beginClosing() }
        } catch {
            protocolFailed(error, in: "eofReceived")
        }
    }
}
