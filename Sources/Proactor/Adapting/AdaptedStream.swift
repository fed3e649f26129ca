/// A stream's transport as another library of this package sees it: it tells how far the kernel has taken what was written.
package protocol AdaptedStream: Transport {
    /// Bytes that were written and that the kernel has not taken; nobody is asked for it. `nil` once the connection is lost: what
    /// was not taken by then never will be.
    var untakenByteCount: Int? { get }
    /// Who hears of it.
    var writeProgress: (any WriteProgress)? { get set }
    /// Offers to the kernel what is queued, unless the connection's share of the turn is used up.
    func offerGathered()
    /// Tells the peer at once that nothing follows. All that was written must have been taken.
    func endWriting()
}

/// Hears of bytes that have left.
package protocol WriteProgress: AnyObject {
    /// Whether anybody waits for that; else nobody is told.
    var waitsForProgress: Bool { get }
    /// The kernel has taken bytes since the turn's end, out of any call of the program's. What it takes within a call of the
    /// transport is not told.
    func bytesWereTaken()
}

extension StreamSocketTransport: AdaptedStream {
    var untakenByteCount: Int? { isOpenOrFlushing ? writes.byteCount : nil }

    func endWriting() {
        loop.checkThread("endWriting")
        guard phase == .open, writeEnd == .open else { return }
        precondition(writes.byteCount == 0, "the end of a stream overtook its bytes")
        writeEnd = .sent
        sendEnd()
    }
}
