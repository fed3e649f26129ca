/// What all that is written to has in common: when the protocol pauses, and writes that come too late.
extension LoopTransport {
    // MARK: - Flow control

    var writeBufferSize: Int {
        loop.checkThread("writeBufferSize")
        if unsentByteCount > 0 { offerUnsent() }
        return unsentByteCount
    }

    /// Offers to the kernel what it was not offered yet, so that what is left says something of the peer.
    func offerUnsent() {
        offer()
        guard flow.isPaused, unsentByteCount <= Int(flow.low) else { return }
        // Not from here: the protocol may be in the midst of writing.
        loop.ready.push(.callback { self.resumeProtocolIfPossible(unsent: self.unsentByteCount) })
    }

    func getWriteBufferLimits() -> (low: Int, high: Int) {
        loop.checkThread("getWriteBufferLimits")
        return (Int(flow.low), Int(flow.high))
    }

    func setWriteBufferLimits(high: Int?, low: Int?) throws(EventLoopError) {
        loop.checkThread("setWriteBufferLimits")
        try flow.setLimits(high: high, low: low)
        // Raised marks may allow at once what only a send would have brought about.
        resumeProtocolIfPossible(unsent: unsentByteCount)
        if unsentByteCount > Int(flow.high), !flow.isPaused { offerUnsent() }
        pauseProtocolIfNeeded(unsent: unsentByteCount)
    }

    // The number of bytes is handed over by those who have it at hand: to ask for it is a call that nothing can inline.

    @inline(__always)
    func pauseProtocolIfNeeded(unsent byteCount: Int) {
        if byteCount > Int(flow.high), !flow.isPaused { pauseProtocol() }
    }

    @inline(never)
    private func pauseProtocol() {
        flow.isPaused = true
        anyProtocol?.pauseWriting()
    }

    @inline(__always)
    func resumeProtocolIfPossible(unsent byteCount: Int) {
        if flow.isPaused, byteCount <= Int(flow.low) { resumeProtocol() }
    }

    @inline(never)
    private func resumeProtocol() {
        flow.isPaused = false
        guard let meter = loop.meter else {
            anyProtocol?.resumeWriting()
            return
        }
        meter.withinSend { anyProtocol?.resumeWriting() }
    }

    // MARK: - Too late

    /// Counts what was written after the end and is ignored. Before the protocol is told of a loss that it has not brought about
    /// itself, it cannot know better.
    @inline(never)
    func ignoreLateWrite(_ what: String) {
        guard wasEndedByUser || isBeyondItsProtocol else { return }
        lateWrites &+= 1
        // Once, and only for a protocol that goes on and on: the first writes after a close are a race that it cannot win.
        if lateWrites == 5 {
            loop.logger.warning("\(self) is closed and ignores what is \(what) it, five times so far")
        }
        if lateWrites == .max { lateWrites = 5 }
    }
}
