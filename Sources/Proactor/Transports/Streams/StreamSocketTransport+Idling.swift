/// A connection on which nothing moves.
///
/// What moves leaves its marks anyway: ``StreamSocketTransport/isUsed``, and what is still to be sent. So a look at them, four times
/// within the time, is all that this costs, and nothing on the way of a byte.
extension StreamSocketTransport {
    /// How often it is looked at within the time.
    private static let looks = 4

    var idleTimeout: Duration? {
        loop.checkThread("idleTimeout")
        return deadlines?.idleTimeout
    }

    func setIdleTimeout(_ timeout: Duration?) throws(EventLoopError) {
        loop.checkThread("setIdleTimeout")
        if let timeout, timeout <= .zero {
            throw .invalidArgument("an idle timeout is above zero, not \(timeout); nil takes it off")
        }
        watchIdling(timeout)
    }

    /// Begins to watch, anew when it does already.
    func watchIdling(_ timeout: Duration?) {
        guard isOpenOrFlushing, timeout != nil || deadlines != nil else { return }
        let deadlines = makeDeadlines()
        deadlines.idling?.cancel()
        deadlines.idleTimeout = timeout
        guard let timeout else { return }
        _ = hasMoved(deadlines)
        let now = loop.time()
        deadlines.movedAt = now
        look(at: now.advanced(by: timeout / Self.looks), deadlines)
    }

    private func look(at when: LoopInstant, _ deadlines: TransportDeadlines) {
        deadlines.idling = loop.timers.insert(.callback { self.loseIfIdle(deadlines) }, at: when)
    }

    private func loseIfIdle(_ deadlines: TransportDeadlines) {
        guard let timeout = deadlines.idleTimeout, let movedAt = deadlines.movedAt else {
            preconditionFailure("a transport was looked at that nobody watches")
        }
        let now = loop.time()
        let next = now.advanced(by: timeout / Self.looks)
        if hasMoved(deadlines) {
            deadlines.movedAt = now
            return look(at: next, deadlines)
        }
        let end = movedAt.advanced(by: timeout)
        guard now < end else { return loseConnection(TimeoutError(timeout: timeout)) }
        look(at: min(next, end), deadlines)
    }

    /// Whether anything has since it was last asked.
    private func hasMoved(_ deadlines: TransportDeadlines) -> Bool {
        let sentOfFile = fileSending?.sentByteCount ?? 0
        let moved = isUsed || unsentByteCount != deadlines.unsent || sentOfFile != deadlines.sentOfFile
        deadlines.wasUsed = deadlines.wasUsed || isUsed
        deadlines.unsent = unsentByteCount
        deadlines.sentOfFile = sentOfFile
        isUsed = false
        return moved
    }

    /// Whether anything was ever received or written.
    var wasEverUsed: Bool { isUsed || deadlines?.wasUsed == true }
}
