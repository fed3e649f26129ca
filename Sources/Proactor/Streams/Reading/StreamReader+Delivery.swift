/// What a ``StreamReaderProtocol`` tells its reader.
extension StreamReader {
    /// Takes what has come, and lets the task that waits for it go on before it returns.
    ///
    /// Bytes that such a task reads at once are not copied before: it is lent them where they were received.
    func receive(_ data: RawSpan) {
        guard case .open = end else { return }
        guard !isLending else { return fedMeanwhile.append(contentsOf: data) }
        guard isWaitedFor, buffer.isEmpty else { return keep(data) }
        data.withUnsafeBytes { bytes in
            // The bytes are lent for this call, and nothing of them is held behind it.
            buffer.borrow(bytes)
            if meetsDemand() { wakeNow() }
            buffer.endBorrowing(expecting: demand.expectedCount, pool: pool)
        }
        pauseIfFull()
    }

    private func keep(_ data: RawSpan) {
        buffer.append(data, expecting: demand.expectedCount, pool: pool)
        if isWaitedFor, meetsDemand() { wakeNow() }
        pauseIfFull()
    }

    /// The peer sends nothing more. A task that waits goes on when the transport has drawn its conclusions.
    func receiveEOF() {
        guard case .open = end else { return }
        end = .ended
        wake()
    }

    /// The connection is lost. What has come can be read still.
    func lose(_ error: (any Error)?) {
        guard case .open = end else { return }
        end = error.map { .failed($0) } ?? .ended
        wake()
    }

    /// The task goes on within this call: what it writes leaves with the turn's other submissions.
    @inline(__always)
    private func wakeNow() {
        waiting?.wakeNow()
    }

    // MARK: - Another transport

    /// Throws where what has come cannot be taken away.
    func checkTakesOtherTransport() throws {
        guard case .open = end, failure == nil else {
            throw EventLoopError.invalidState("the stream is at its end, and cannot start TLS")
        }
        guard waiting?.isTaken != true, !isLending else {
            throw EventLoopError.invalidState(
                "a task reads from the stream, which cannot start TLS meanwhile"
            )
        }
    }

    /// Goes on with another transport, and gives away what has come by the one before and was not read.
    func takeAll(for transport: any ReadTransport) -> [UInt8] {
        source = transport
        isSourcePaused = false
        let bytes = Array(buffer.first(buffer.count))
        buffer.drop(buffer.count, pool: pool)
        return bytes
    }
}
