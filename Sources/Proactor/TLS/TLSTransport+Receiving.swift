/// What the transport below receives, on its way to the protocol.
extension TLSTransport {
    /// The room that plaintext is opened into: one of the pool's largest, taken for a delivery.
    private static let scratchIndex = BufferPool.sizeCount - 1
    /// The room that a `BufferedProtocol` is asked for, in bytes.
    private static let sizeHint = 64 * 1024

    var isReading: Bool {
        loop.checkThread("isReading")
        return phase == .open && !isReadingPaused && peerEnd == .notYet
    }

    func pauseReading() {
        loop.checkThread("pauseReading")
        guard phase == .open, !isReadingPaused else { return }
        isReadingPaused = true
        // What is opened stops at once; what comes below is that one's to hold back.
        below?.pauseReading()
    }

    func resumeReading() {
        loop.checkThread("resumeReading")
        guard phase == .open, isReadingPaused else { return }
        isReadingPaused = false
        goOnReceiving()
    }

    /// Nothing is in the way any more: what is held is opened in the next turn, and what waits below comes behind it.
    func goOnReceiving() {
        guard !mustHold else { return }
        openLater()
        below?.resumeReading()
    }

    /// Whether nothing may be opened now.
    private var mustHold: Bool { isReadingPaused && phase == .open || lacksRoom }

    /// The engine has answers for the peer, which does not take what it was sent before: nothing more is read until it does.
    func waitForRoom() {
        lacksRoom = true
        below?.pauseReading()
        markUnflushed()
    }

    // MARK: - From below

    func dataReceived(_ data: RawSpan) {
        guard phase.isBeforeEnding, peerEnd == .notYet, let engine else { return }
        data.withUnsafeBytes { bytes in
            guard !isOpening, !isCallingEngine, held.isEmpty, !mustHold else { return hold(bytes) }
            // The bytes live for the call, and the records refer to them no longer.
            records.incoming = bytes
            openAll(by: engine)
            let rest = records.incoming
            records.incoming = UnsafeRawBufferPointer(start: nil, count: 0)
            if rest.count > 0 { hold(rest) }
        }
        // Somebody may have resumed reading meanwhile.
        if !held.isEmpty, !mustHold { openLater() }
    }

    private func hold(_ bytes: UnsafeRawBufferPointer) {
        guard phase.isBeforeEnding, peerEnd == .notYet else { return }
        if held.isEmpty { swap(&held, &loop.spareBytes) }
        held.append(contentsOf: bytes)
    }

    /// In a callback of its own: who asks for it is amid something.
    func openLater() {
        guard !willOpenLater else { return }
        willOpenLater = true
        loop.ready.push(.callback { self.openHeld() })
    }

    /// Opens what was held back. It may be nothing: the engine has some, too, and the end may be to be told.
    func openHeld() {
        willOpenLater = false
        guard phase.isBeforeEnding, !isOpening, !isCallingEngine, !mustHold, let engine else { return }
        var bytes: [UInt8] = []
        swap(&bytes, &held)
        let rest: [UInt8] = bytes.withUnsafeBytes { lent in
            // The array lives for the call, and the records refer to it no longer.
            records.incoming = lent
            openAll(by: engine)
            defer { records.incoming = UnsafeRawBufferPointer(start: nil, count: 0) }
            return Array(records.incoming)
        }
        if !rest.isEmpty, phase.isBeforeEnding, peerEnd == .notYet { held.insert(contentsOf: rest, at: 0) }
        loop.keepSpare(&bytes)
        if !held.isEmpty, !mustHold { openLater() }
    }

    func eofReceived() -> Bool {
        records.isAtEnd = true
        // Told in its turn, behind what is held back. The transport below stays open: this one closes it.
        guard !mustHold else { return true }
        if isOpening || isCallingEngine { openLater() } else { openHeld() }
        return true
    }

    // MARK: - Opening

    /// Goes as far as it can with the records that there are.
    private func openAll(by engine: any TLSEngine) {
        isOpening = true
        if phase != .handshaking || handshake(by: engine), canOpen, hasSomething(engine) {
            openRecords(by: engine)
        }
        isOpening = false
        tellEnd(engine)
        // What was written may have waited for a record of the peer.
        if isSealingStalled { markUnflushed() }
    }

    private var canOpen: Bool {
        phase.isBeforeEnding && phase != .handshaking && peerEnd == .notYet && !mustHold
    }

    private func hasSomething(_ engine: any TLSEngine) -> Bool { records.count > 0 || engine.hasPending }

    private func openRecords(by engine: any TLSEngine) {
        // Taken for the call and not kept: who stands on this one opens records within it, into room of its own.
        let buffers = loop.buffers
        let scratch = buffers.take(Self.scratchIndex)
        defer { buffers.giveBack(scratch, Self.scratchIndex) }
        let room = UnsafeMutableRawBufferPointer(start: scratch, count: BufferPool.largest)
        var goesOn = true
        while goesOn, canOpen {
            if phase == .open, let bufferedProtocol {
                goesOn = open(by: engine, for: bufferedProtocol)
                continue
            }
            let count: Int
            (count, goesOn) = open(by: engine, into: room)
            if count > 0, phase == .open { deliver(UnsafeRawBufferPointer(rebasing: room[..<count])) }
        }
    }

    /// Returns how much plaintext there is now, and whether there may be more.
    private func open(
        by engine: any TLSEngine,
        into room: UnsafeMutableRawBufferPointer
    ) -> (count: Int, goesOn: Bool) {
        do {
            let (count, progress) = try callEngine { () throws(TLSError) in
                try engine.open(records, into: room)
            }
            precondition(
                count >= 0 && count <= room.count,
                "a TLS engine opened more than there was room for"
            )
            if count > 0 { wasUsed = true }
            switch progress {
            case .done: return (count, count > 0 || hasSomething(engine))
            case .needsRecords: return (count, false)
            case .needsRoom: waitForRoom()
            case .peerClosed: peerEnd = .closeNotify
            }
            return (count, false)
        } catch {
            receiveFailed(error)
            return (0, false)
        }
    }

    private func receiveFailed(_ error: TLSError) {
        let isCut = error.reason == .truncated || error.reason == .endOfStream
        if records.isAtEnd, isCut {
            peerEnd = .truncated
        } else if phase == .shuttingDown {
            // All is said and sent: whatever the peer still says is of no interest.
            finish()
        } else {
            fail(error)
        }
    }

    // MARK: - Delivery

    private func deliver(_ bytes: UnsafeRawBufferPointer) {
        guard let streamProtocol else { return }
        do {
            // The bytes live for the call: `openRecords` has the memory.
            try streamProtocol.dataReceived(bytes.bytes)
        } catch {
            protocolFailed(error, in: "dataReceived")
        }
    }

    /// `nil` when there is none to be had, or another protocol is to be asked.
    private func obtainBuffer(from bufferedProtocol: any BufferedProtocol) -> OwnedBuffer? {
        do {
            let buffer = try bufferedProtocol.getBuffer(sizeHint: Self.sizeHint)
            // Asked for a buffer, it may have paused, closed the transport, or handed over.
            guard phase == .open, !mustHold, bufferedProtocol === self.bufferedProtocol else {
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

    /// Opens into the protocol's own buffer. Returns whether there may be more.
    private func open(by engine: any TLSEngine, for bufferedProtocol: any BufferedProtocol) -> Bool {
        guard var buffer = obtainBuffer(from: bufferedProtocol) else { return true }
        let (count, goesOn) = open(by: engine, into: buffer.unfilled)
        guard count > 0 else {
            bufferedProtocol.bufferReturned(buffer)
            return goesOn
        }
        buffer.didFill(count)
        do { try bufferedProtocol.bufferUpdated(buffer, received: count) } catch {
            protocolFailed(error, in: "bufferUpdated")
        }
        return goesOn
    }

    // MARK: - The peer's end

    /// Draws the conclusions from the peer's end, once all that came before it is delivered.
    private func tellEnd(_ engine: any TLSEngine) {
        if records.isAtEnd, peerEnd == .notYet, canOpen, held.isEmpty, records.count == 0 {
            peerEnd = .truncated
        }
        guard peerEnd != .notYet, !endIsDelivered, !(isReadingPaused && phase == .open) else { return }
        switch phase {
        case .open:
            guard peerEnd == .closeNotify || options.toleratesTruncation else {
                return fail(TLSError(.receive, .truncated, side: side))
            }
            deliverEnd()
        case .closing:
            endIsDelivered = true
        case .shuttingDown:
            endIsDelivered = true
            finish()
        case .handshaking, .ending, .ended:
            break
        }
    }

    private func deliverEnd() {
        endIsDelivered = true
        do {
            if try currentProtocol?.eofReceived() != true { beginClosing() }
        } catch {
            protocolFailed(error, in: "eofReceived")
        }
    }
}
