/// What the protocol writes, on its way to the transport below.
extension TLSTransport {
    /// Up to how many sealed bytes may wait below for more to be sealed: two turns' worth of a busy connection.
    private static let sealAhead = 128 * 1024
    /// How much is sealed in one call of the engine: four records.
    private static let slice = 64 * 1024
    /// What may wait below in all. The engine's answers have what sealing leaves of it, and sealing always has room for a slice.
    private static let sealedMax = 256 * 1024
    /// From how many bytes a write that is next is sealed where it lies. Smaller ones share a record.
    private static let immediateSealSize = 8 * 1024

    // MARK: - Writing

    func write(_ data: RawSpan) {
        // The span holds its bytes for the call, and what is not sealed within it is copied.
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
        let sealed = data.withUnsafeBytes { sealAtOnce($0) }
        guard phase == .open else { return }
        plaintext.append(data.dropFirst(sealed), pool: loop.buffers)
        didGather()
    }

    func write(_ text: String) {
        write(text.utf8Span.span.bytes)
    }

    func write(_ buffer: consuming OwnedBuffer) {
        loop.checkThread("write")
        guard acceptsWrites() else { return }
        plaintext.append(buffer, pool: loop.buffers)
        didGather()
    }

    func writeLines(_ pieces: some Sequence<[UInt8]>) {
        loop.checkThread("writeLines")
        guard acceptsWrites() else { return }
        for piece in pieces { piece.withUnsafeBytes { plaintext.append($0, pool: loop.buffers) } }
        didGather()
    }

    @inline(__always)
    private func write(_ bytes: UnsafeRawBufferPointer) {
        loop.checkThread("write")
        guard acceptsWrites() else { return }
        let sealed = bytes.count >= Self.immediateSealSize ? sealAtOnce(bytes) : 0
        guard phase == .open else { return }
        plaintext.append(UnsafeRawBufferPointer(rebasing: bytes[sealed...]), pool: loop.buffers)
        didGather()
    }

    /// What stands on this one queues its records.
    func append(_ bytes: UnsafeRawBufferPointer) {
        guard phase == .open else { return }
        wasUsed = true
        plaintext.append(bytes, pool: loop.buffers)
        markUnflushed()
    }

    @inline(__always)
    private func acceptsWrites() -> Bool {
        if phase == .open, fileWriting == nil {
            wasUsed = true
            return true
        }
        refuseWrite()
        return false
    }

    @inline(never)
    private func refuseWrite() {
        guard phase == .open || phase == .closing && fileWriting != nil else { return ignoreLateWrite() }
        report(SendFileError.inProgress, "a write was dropped")
    }

    private func ignoreLateWrite() {
        lateWrites &+= 1
        // Once, and only for a protocol that goes on and on: the first writes after a close are a race that it cannot win.
        if lateWrites == 5 {
            loop.logger.warning("\(self) is closed and ignores what is written to it, five times so far")
        }
        if lateWrites == .max { lateWrites = 5 }
    }

    /// TLS has an end of stream of its own, and most peers answer it by closing: there is no half of a connection to end.
    var canWriteEOF: Bool { false }

    func writeEOF() {
        loop.checkThread("writeEOF")
        guard phase == .open else { return }
        report(
            EventLoopError.invalidState(
                "a TLS connection cannot end one direction alone: see canWriteEOF, or close it"
            ),
            "an end of stream was not sent"
        )
    }

    // MARK: - Sealing

    func markUnflushed() {
        if withOwn({ $0.markUnflushed() }) != nil { return }
        // Nobody else's transport says when its turn ends.
        guard !willFillLater, below != nil else { return }
        willFillLater = true
        loop.ready.push(.callback { self.fillLater() })
    }

    private func fillLater() {
        willFillLater = false
        fill()
    }

    func fill() {
        // Who stands on this one first: it fills this one's queue.
        filter?.fill()
        guard phase.isBeforeEnding, !isCallingEngine, let engine else { return }
        resumeProtocolIfPossible()
        sealQueued(by: engine)
        fileWriting?.unsentChanged(to: unsentByteCount)
        if phase == .closing { shutDownIfSealed(engine) }
        if phase == .shuttingDown, belowUnsent == 0 { isAllOut = true }
        guard lacksRoom, takesMore else { return }
        lacksRoom = false
        goOnReceiving()
    }

    /// Whether ``fill()`` has anything to do, now that the transport below has sent something.
    var wantsFill: Bool {
        phase != .open || plaintext.byteCount > 0 || flow.isPaused || lacksRoom || fileWriting != nil
            || filter?.wantsFill == true
    }

    /// Whether the transport below has so little to send that more may be sealed.
    private var takesMore: Bool { withOwn { $0.unsentByteCount < Self.sealAhead } ?? !isBelowPaused }

    /// Room for what the engine puts on its own account.
    var roomForAnswers: Int {
        withOwn { max(Self.sealedMax - $0.unsentByteCount, 0) } ?? (isBelowPaused ? 0 : Self.sealedMax)
    }

    private func sealQueued(by engine: any TLSEngine) {
        isSealingStalled = false
        while phase == .open || phase == .closing, takesMore, let bytes = plaintext.firstBytes {
            let sealed = seal(UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.slice)), by: engine)
            guard sealed > 0, phase.isBeforeEnding else {
                isSealingStalled = true
                return
            }
            plaintext.sentAtOnce(sealed, pool: loop.buffers)
        }
    }

    /// Seals of bytes that are next what the transport below takes. Nothing where others come before them.
    private func sealAtOnce(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard plaintext.byteCount == 0, !isCallingEngine, let engine else { return 0 }
        let isAlone = bytes.count < Self.slice / 2 && belowUnsent == 0
        var sealed = 0
        while sealed < bytes.count, phase == .open {
            // What the kernel takes at once makes room: what is sealed where it lies is not copied.
            if !takesMore { _ = withOwn { $0.offerGathered() } }
            guard takesMore else { break }
            let rest = UnsafeRawBufferPointer(rebasing: bytes[sealed...].prefix(Self.slice))
            let count = seal(rest, by: engine)
            guard count > 0 else { break }
            sealed += count
        }
        // Sent while it is in the caches, and the next connection's record is sealed into the same memory. A part of much is not: each
        // send wakes the peer.
        if isAlone, sealed > 0, phase == .open { _ = withOwn { $0.offerGathered() } }
        return sealed
    }

    /// Returns how much went in. None when the engine cannot go on for now: a record of the peer or room below calls again.
    private func seal(_ bytes: UnsafeRawBufferPointer, by engine: any TLSEngine) -> Int {
        do {
            let count = try callEngine { () throws(TLSError) in try engine.seal(bytes, records) }.byteCount
            precondition(count >= 0 && count <= bytes.count, "a TLS engine sealed more than it was given")
            return count
        } catch {
            fail(error)
            return 0
        }
    }

    /// Takes what the engine puts.
    func putBelow(_ bytes: UnsafeRawBufferPointer) {
        if withOwn({ $0.append(bytes) }) == nil { below?.write(bytes.bytes) }
    }

    // MARK: - Flow control

    var belowUnsent: Int { withOwn { $0.unsentByteCount } ?? below?.writeBufferSize ?? 0 }

    /// Plaintext, and what waits below of sealed bytes.
    var unsentByteCount: Int { plaintext.byteCount + belowUnsent }

    var isWritingPaused: Bool { flow.isPaused }

    private func didGather() {
        markUnflushed()
        guard !flow.isPaused, unsentByteCount > Int(flow.high) else { return }
        // What was gathered in this turn is no reason to pause the protocol: see ``StreamSocketTransport``.
        offerGathered()
        pauseProtocolIfNeeded()
    }

    /// Seals what is gathered and has the kernel offered it, as long as that takes it.
    func offerGathered() {
        guard let engine, !isCallingEngine else { return }
        var left = Int.max
        while unsentByteCount < left, phase == .open || phase == .closing {
            left = unsentByteCount
            sealQueued(by: engine)
            _ = withOwn { $0.offerGathered() }
        }
    }

    private func pauseProtocolIfNeeded() {
        guard phase == .open, !flow.isPaused, unsentByteCount > Int(flow.high) else { return }
        flow.isPaused = true
        currentProtocol?.pauseWriting()
    }

    private func resumeProtocolIfPossible() {
        guard flow.isPaused, phase == .open || phase == .closing, unsentByteCount <= Int(flow.low) else {
            return
        }
        flow.isPaused = false
        currentProtocol?.resumeWriting()
    }

    var writeBufferSize: Int {
        loop.checkThread("writeBufferSize")
        if unsentByteCount > 0, phase == .open || phase == .closing {
            offerGathered()
            // Not from here: the protocol may be in the midst of writing.
            if flow.isPaused { loop.ready.push(.callback { self.resumeProtocolIfPossible() }) }
        }
        return phase == .ended ? 0 : unsentByteCount
    }

    func getWriteBufferLimits() -> (low: Int, high: Int) {
        loop.checkThread("getWriteBufferLimits")
        return (Int(flow.low), Int(flow.high))
    }

    func setWriteBufferLimits(high: Int?, low: Int?) throws(EventLoopError) {
        loop.checkThread("setWriteBufferLimits")
        try flow.setLimits(high: high, low: low)
        resumeProtocolIfPossible()
        if !flow.isPaused, unsentByteCount > Int(flow.high) { offerGathered() }
        pauseProtocolIfNeeded()
    }

    // MARK: - From below

    func pauseWriting() {
        // It cannot be paused twice.
        mayOweResume = false
        isBelowPaused = true
    }

    func resumeWriting() {
        // A pause that this one knows nothing of came before the upgrade.
        if mayOweResume, !isBelowPaused { flow.isPaused = true }
        mayOweResume = false
        isBelowPaused = false
        markUnflushed()
    }
}
