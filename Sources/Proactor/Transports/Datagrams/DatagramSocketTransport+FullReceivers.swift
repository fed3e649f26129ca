import SystemPackage

/// Receivers of a Unix socket that are full, and the end of an endpoint that has still to send.
///
/// The readiness of a Unix socket says nothing of receivers that are named with each datagram. So each that is full is tried
/// again after a while, a longer one each time, and what others are sent goes out meanwhile.
extension DatagramSocketTransport {
    /// How many datagrams one turn hands to a receiver that was full.
    private static let datagramsPerReceiver = 64
    /// How long a closing endpoint goes on that gets rid of something every now and then.
    private static let closingMax = Duration.seconds(10)

    func knownFullReceivers() -> FullReceivers {
        if let fullReceivers { return fullReceivers }
        let made = FullReceivers(on: loop)
        fullReceivers = made
        return made
    }

    /// The first datagram's receiver is full.
    func setFirstAside(_ receivers: FullReceivers) {
        let now = loop.time()
        if !receivers.setAsideFirst(of: &queue, at: now) {
            reportNoRoom(for: queue.first(1)[0])
            queue.removeFirst(1, pool: loop.buffers)
        }
        while let surplus = receivers.surplus() {
            giveUp(surplus, receivers)
            receivers.forget(surplus)
        }
    }

    /// Those that have taken something are not full any more.
    @inline(__always)
    func forgetReceivers(of datagrams: Slice<UnsafeBufferPointer<OutgoingDatagram>>) {
        guard let fullReceivers, !fullReceivers.isEmpty else { return }
        for datagram in datagrams {
            if let receiver = fullReceivers.receiver(of: datagram) { fullReceivers.forget(receiver) }
        }
    }

    func retryFullReceivers(_ receivers: FullReceivers) {
        let now = loop.time()
        for receiver in receivers.awaited where receiver.retry <= now { retry(receiver, receivers, at: now) }
    }

    private func retry(_ receiver: FullReceivers.Receiver, _ receivers: FullReceivers, at now: LoopInstant) {
        let system = loop.system
        var budget = Self.datagramsPerReceiver
        while budget > 0, !receiver.isEmpty {
            let result = system.sendDatagrams(receiver.first(budget), on: descriptor, runSizeMax: &runSizeMax)
            guard result <= 0 else {
                receivers.took(receiver, result, at: now)
                budget -= result
                hasSentWhileClosing = true
                continue
            }
            let errno = Errno(rawValue: Int32(-result))
            guard result < 0, errno != .resourceTemporarilyUnavailable else {
                if receivers.isStillFull(receiver, at: now) { giveUp(receiver, receivers) }
                return
            }
            let datagram = receiver.first(1)[0]
            reportFailure(SocketError(.send, errno, address: destination(of: datagram)))
            receivers.dropFirst(of: receiver)
            budget -= 1
        }
    }

    private func giveUp(_ receiver: FullReceivers.Receiver, _ receivers: FullReceivers) {
        for datagram in receiver.first(.max) { reportNoRoom(for: datagram) }
        receivers.giveUp(receiver)
    }

    private func reportNoRoom(for datagram: OutgoingDatagram) {
        reportFailure(SocketError(.send, .noBufferSpace, address: destination(of: datagram)))
    }

    func scheduleRetry(_ receivers: FullReceivers) {
        guard let next = receivers.awaited.map(\.retry).min() else { return }
        if let receiverRetry {
            guard receiverRetry.when > next else { return }
            receiverRetry.cancel()
        }
        // In the next turn when it is due already: this one has done its share.
        receiverRetry = loop.timers.insert(.callback { self.endReceiverRetry() }, at: next)
    }

    private func endReceiverRetry() {
        receiverRetry = nil
        markUnflushed()
    }

    // MARK: - Closing

    /// A closing endpoint has still to send. It ends also when nobody takes that.
    func limitClosing() {
        let now = loop.time()
        hasSentWhileClosing = false
        lookAfterClosing(until: now.advanced(by: Self.closingMax), at: now)
    }

    private func lookAfterClosing(until end: LoopInstant, at now: LoopInstant) {
        let next = min(now.advanced(by: FullReceivers.patience), end)
        closingLimit = loop.timers.insert(.callback { self.endClosing(unlessBefore: end) }, at: next)
    }

    private func endClosing(unlessBefore end: LoopInstant) {
        guard phase == .flushing else { return }
        let now = loop.time()
        if hasSentWhileClosing, now < end {
            hasSentWhileClosing = false
            return lookAfterClosing(until: end, at: now)
        }
        for datagram in queue.first(.max) { reportNoRoom(for: datagram) }
        for receiver in fullReceivers?.awaited ?? [] {
            for datagram in receiver.first(.max) { reportNoRoom(for: datagram) }
        }
        loseConnection(nil)
    }

    /// There is nothing more to send, or nobody to hear of it.
    func stopWaitingForReceivers() {
        receiverRetry?.cancel()
        receiverRetry = nil
        closingLimit?.cancel()
        closingLimit = nil
        fullReceivers?.removeAll()
    }
}
