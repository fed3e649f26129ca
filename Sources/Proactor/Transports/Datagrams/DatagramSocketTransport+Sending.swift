import SystemPackage

extension DatagramSocketTransport {
    /// How many datagrams one turn hands to the kernel, so that a flood of them does not hold up the rest.
    private static let datagramsPerTurn = 256
    /// How long a receiver is left alone that is full and cannot be waited for.
    private static let restDuration = Duration.milliseconds(1)

    func sendTo(_ data: RawSpan, _ address: SocketAddress?) throws(EventLoopError) {
        loop.checkThread("sendTo")
        guard phase == .open else { return ignoreLateWrite("sent by") }
        let destination = try destination(address)
        // The span holds its bytes for the call, and the queue copies them.
        let failure = data.withUnsafeBytes { queue.append($0, to: destination, pool: loop.buffers) }
        if let failure { return reportFailure(SocketError(.send, failure, address: destination)) }
        markUnflushed()
        if unsentCount > Int(flow.high), !flow.isPaused { offerQueued() }
        pauseProtocolIfNeeded(unsent: unsentCount)
    }

    /// Before a pause or a size is told, which are about the receivers and not about this turn.
    @inline(never)
    func offerQueued() {
        guard isOpenOrFlushing, case .idle = sendState, !queue.isEmpty else { return }
        sendQueued()
        // At the turn's end it is seen what has become of it.
        markUnflushed()
    }

    /// What the kernel is told: nothing when it knows the address.
    @inline(__always)
    private func destination(_ address: SocketAddress?) throws(EventLoopError) -> SocketAddress? {
        guard let remoteAddress else {
            if let address { return address }
            throw .invalidArgument("sendTo needs an address: the endpoint was made without a remote one")
        }
        guard let address, address != remoteAddress else { return isConnected ? nil : remoteAddress }
        throw .invalidArgument(
            "sendTo takes no other address than \(remoteAddress), the endpoint's remote one"
        )
    }

    // MARK: - Handing over

    /// Sends what there is, as far as the kernel takes it.
    func reconcileSending() {
        guard isOpenOrFlushing else { return stopSending() }
        if let fullReceivers, !fullReceivers.isEmpty { retryFullReceivers(fullReceivers) }
        if case .idle = sendState, !queue.isEmpty {
            sendQueued()
            if case .idle = sendState, !queue.isEmpty { markUnflushed() }
        }
        if let fullReceivers, !fullReceivers.isEmpty { scheduleRetry(fullReceivers) }
        datagramsWereTaken()
        if phase == .flushing, closingLimit == nil { limitClosing() }
    }

    private func sendQueued() {
        let system = loop.system
        var budget = Self.datagramsPerTurn
        while budget > 0, !queue.isEmpty {
            var datagrams = queue.first(budget)
            if let fullReceivers, !fullReceivers.isEmpty {
                datagrams = UnsafeBufferPointer(
                    rebasing: datagrams.prefix(fullReceivers.countOfFree(datagrams))
                )
                guard !datagrams.isEmpty else {
                    setFirstAside(fullReceivers)
                    budget -= 1
                    continue
                }
            }
            let result = system.sendDatagrams(datagrams, on: descriptor, runSizeMax: &runSizeMax)
            guard result <= 0 else {
                hasSentWhileClosing = true
                forgetReceivers(of: datagrams.prefix(result))
                // What was refused behind them may have been so for the sake of an earlier one. The kernel tells that once, and
                // by a short count it has: nothing but the socket's error queue knows it now.
                if result < datagrams.count, !isUnix { _ = takeQueuedErrors() }
                queue.removeFirst(result, pool: loop.buffers)
                budget -= result
                continue
            }
            let errno = Errno(rawValue: Int32(-result))
            guard result < 0, errno != .resourceTemporarilyUnavailable else {
                guard isUnix, !isConnected else { return waitForRoom() }
                setFirstAside(knownFullReceivers())
                budget -= 1
                continue
            }
            if wasRefused(errno) { dropRefused(errno) }
            budget -= 1
        }
    }

    /// A UDP socket waits for room in its own buffer by an operation that sends. A connected Unix socket waits for its receiver:
    /// its readiness is that one's.
    private func waitForRoom() {
        guard !isUnix else {
            sendState = .waitingForRoom(loop.backend.submit(.waitUntilWritable(descriptor), owner: self))
            return
        }
        let header = waiting.header(for: queue.first(1)[0])
        sendState = .waiting(loop.backend.submit(.sendMessage(descriptor, header), owner: self))
    }

    private func rest() {
        let retry = loop.time().advanced(by: Self.restDuration)
        sendState = .resting(loop.timers.insert(.callback { self.endRest() }, at: retry))
    }

    func roomCameOrFailed(_ completion: Completion) {
        guard case .waitingForRoom(let token) = sendState, token == completion.token, completion.isFinal
        else {
            preconditionFailure("a wait for room was over that had not begun")
        }
        let isOpen = isOpenOrFlushing
        // What cannot be waited for is asked again and again.
        if isOpen, completion.result < 0 { return rest() }
        endRest()
    }

    private func endRest() {
        sendState = .idle
        markUnflushed()
    }

    private func stopSending() {
        switch sendState {
        case .idle:
            break
        case .waiting(let token), .waitingForRoom(let token):
            loop.backend.cancel(token)
        case .resting(let timer):
            timer.cancel()
            sendState = .idle
        }
    }

    func sendCompleted(_ completion: Completion) {
        guard case .waiting(let token) = sendState, token == completion.token, completion.isFinal else {
            preconditionFailure("a send completed that was not in flight")
        }
        sendState = .idle
        if let errno = completion.errno {
            if !isOpenOrFlushing || wasRefused(errno) { dropRefused(errno) }
        } else {
            queue.removeFirst(1, pool: loop.buffers)
        }
        guard isOpenOrFlushing else { return }
        hasSentWhileClosing = true
        // What is behind it goes out at the end of the turn.
        if !queue.isEmpty { markUnflushed() }
        datagramsWereTaken()
    }

    /// Tells why the queue's first datagram was not sent, and returns whether it never will be. A socket that is told what
    /// becomes of packets refuses a send for the sake of an earlier one: that one's error is told, and this one goes out next.
    private func wasRefused(_ errno: Errno) -> Bool {
        var isTold = false
        var isOfEarlierOne = false
        _ = takeQueuedErrors { error in
            tell(error)
            guard error.errno == errno else { return }
            isTold = true
            if !error.isLocal { isOfEarlierOne = true }
        }
        if !isTold {
            reportFailure(SocketError(.send, errno, address: destination(of: queue.first(1)[0])))
        }
        return !isOfEarlierOne
    }

    /// Whether the socket's error queue has more to say of an error that a receive has met, and said it.
    func queueTells(of errno: Errno) -> Bool {
        var isTold = false
        _ = takeQueuedErrors { error in
            tell(error)
            if error.errno == errno { isTold = true }
        }
        return isTold
    }

    /// Tells the protocol what became of a datagram. Notes are nothing to it.
    func tell(_ error: QueuedError) {
        guard let errno = error.errno else { return }
        reportFailure(SocketError(.send, errno, address: error.address ?? remoteAddress))
    }

    func destination(of datagram: OutgoingDatagram) -> SocketAddress? {
        guard let form = datagram.address else { return remoteAddress }
        return SocketAddress(kernelForm: .init(start: form, count: Int(datagram.address_length)))
    }

    private func dropRefused(_ errno: Errno) {
        if let sendProgress {
            let byteCount = Int(queue.first(1)[0].count) + DatagramQueue.headerSize
            sendProgress.datagramWasRefused(errno, byteCount: byteCount)
        }
        queue.removeFirst(1, pool: loop.buffers)
    }

    private func datagramsWereTaken() {
        tellProgress()
        if flow.isPaused, unsentCount <= Int(flow.low) {
            // Not from here: a flush is no place for what a protocol may do.
            loop.ready.push(.callback { self.resumeProtocolIfPossible(unsent: self.unsentCount) })
        }
        if phase == .flushing, unsentCount == 0 { loseConnection(nil) }
    }

    /// Tells the protocol in the next turn, before it can be told that the endpoint is lost.
    func reportFailure(_ error: SocketError) {
        loop.ready.push(.callback { self.datagramProtocol?.errorReceived(error) })
    }
}
