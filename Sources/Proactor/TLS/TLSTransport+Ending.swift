/// The ways to a TLS connection's end.
extension TLSTransport {
    func close() {
        loop.checkThread("close")
        beginClosing()
    }

    /// As ``close()``, without the program's doing.
    func beginClosing() {
        switch phase {
        case .handshaking:
            // Nothing was said yet that an end would have to be told of.
            lose(nil)
        case .open:
            advance(to: .closing)
            watchShutdown()
            // The peer's close_notify is behind what was held back.
            if isReadingPaused { goOnReceiving() }
            markUnflushed()
            if let engine { shutDownIfSealed(engine) }
        case .closing, .shuttingDown, .ending, .ended:
            break
        }
    }

    func close(timeout: Duration) {
        loop.checkThread("close")
        beginClosing()
        guard phase == .closing || phase == .shuttingDown || phase == .ending else { return }
        guard timeout > .zero else { return endInTime(timeout) }
        closeTimer?.cancel()
        let due = loop.time().advanced(by: timeout)
        closeTimer = loop.timers.insert(.callback { self.endInTime(timeout) }, at: due)
    }

    /// The time that the program gave a close is over. Where all was sent, the peer's answer alone is missing.
    private func endInTime(_ timeout: Duration) {
        if phase == .closing || phase == .shuttingDown { offerAll() }
        switch phase {
        case .shuttingDown:
            finish()
            below?.close(timeout: .zero)
        case .ending:
            below?.close(timeout: .zero)
        case .closing:
            lose(TimeoutError(timeout: timeout))
        case .handshaking, .open, .ended:
            break
        }
    }

    private func offerAll() {
        offerGathered()
        if phase == .closing, let engine { shutDownIfSealed(engine) }
        if phase == .shuttingDown { own?.offerGathered() }
    }

    func abort() {
        loop.checkThread("abort")
        lose(nil)
    }

    func abort(withReset: Bool) {
        loop.checkThread("abort")
        if withReset { below?.abort(withReset: true) }
        lose(nil)
    }

    /// Its server stops: the protocol says what becomes of the connection.
    func askToShutDown() {
        guard phase == .open, let currentProtocol else { return beginClosing() }
        do {
            switch try currentProtocol.shutdownRequested() {
            case .close: beginClosing()
            case .whenDone: break
            case .undecided: if !wasUsed { beginClosing() }
            }
        } catch {
            protocolFailed(error, in: "shutdownRequested")
        }
    }

    // MARK: - The proper end

    /// Once all is sealed, says that nothing follows.
    func shutDownIfSealed(_ engine: any TLSEngine) {
        guard phase == .closing, plaintext.byteCount == 0, fileWriting == nil, !isCallingEngine else {
            return
        }
        // Where the kernel has all that was written, the rest is of no interest to the program.
        if belowUnsent == 0 { isAllOut = true }
        do {
            // When there is room, it is called again.
            let progress = try callEngine { () throws(TLSError) in try engine.sendCloseNotify(records) }
            guard progress == .done, phase == .closing else { return }
        } catch {
            guard phase == .closing else { return }
            // The peer has what was written, and nobody can do more about the end.
            advance(to: .shuttingDown)
            return finish()
        }
        advance(to: .shuttingDown)
        if peerEnd != .notYet || records.isAtEnd { finish() }
    }

    /// All is said by both sides. What is sealed is sent, and the transport below closed.
    func finish() {
        guard phase == .shuttingDown else { return }
        advance(to: .ending)
        below?.close()
    }

    /// Looks after a peer that takes nothing, or does not answer.
    private func watchShutdown() {
        unsentAtLook = unsentByteCount
        let due = loop.time().advanced(by: options.shutdownTimeout)
        stepTimer = loop.timers.insert(.callback { self.lookAtShutdown() }, at: due)
    }

    private func lookAtShutdown() {
        guard phase != .ended else { return }
        // A slow peer is none that does not answer.
        if fileWriting != nil || unsentByteCount < unsentAtLook { return watchShutdown() }
        if lossReason == nil {
            lossReason = TLSError(.shutdown, .timedOut(options.shutdownTimeout), side: side)
        }
        if phase != .ending { advance(to: .ending) }
        below?.abort()
    }

    // MARK: - Any other end

    /// The connection is of no more use: `connectionLost` follows when the transport below is lost. The first reason counts.
    func lose(_ error: (any Error)?) {
        guard phase != .ended else { return }
        prepareToEnd(error)
        below?.abort()
    }

    /// As ``lose(_:)``, by an error of TLS: what the engine has put, an alert most of all, is still sent.
    func fail(_ error: any Error) {
        guard phase.isBeforeEnding else { return }
        prepareToEnd(error)
        below?.close(timeout: options.shutdownTimeout)
    }

    private func prepareToEnd(_ error: (any Error)?) {
        guard phase.isBeforeEnding else { return }
        let wasHandshaking = phase == .handshaking
        advance(to: .ending)
        lossReason = lossReason ?? error
        held = []
        fileWriting?.connectionIsLost(unsealed: plaintext.byteCount)
        if !isCallingEngine { dropPlaintext() }
        if wasHandshaking {
            stepTimer?.cancel()
            stepTimer = nil
            noteFailedHandshake(error)
            endHandshakeWait(handshakeFailure(error))
        }
    }

    /// Nobody waits for a server's handshakes, and any stranger can have one fail.
    private func noteFailedHandshake(_ error: (any Error)?) {
        guard side == .server, let error else { return }
        loop.logger.debug("a TLS handshake failed: \(error)")
    }

    func connectionLost(_ error: (any Error)?) {
        guard phase != .ended else { return }
        let wasAllOut = isAllOut
        let before = phase
        let reason = lossReason ?? (wasAllOut ? nil : error)
        if before.isBeforeEnding { prepareToEnd(reason) }
        advance(to: .ended)
        let lostProtocol = wasGreeted ? currentProtocol : nil
        release()
        lostProtocol?.connectionLost(reason)
    }

    func loopIsClosed() {
        filter?.loopIsClosed()
        guard phase != .ended else { return }
        advance(to: .ended)
        release()
    }

    func checkTakesFilter() throws {
        guard fileWriting == nil else { throw SendFileError.inProgress }
        guard filter == nil else {
            throw EventLoopError.invalidState(
                "\(self) carries TLS already: start TLS on the transport that you got then"
            )
        }
        guard phase == .open, peerEnd == .notYet else {
            throw EventLoopError.invalidState("\(self) is closing or at its end, and cannot start TLS")
        }
    }
}
