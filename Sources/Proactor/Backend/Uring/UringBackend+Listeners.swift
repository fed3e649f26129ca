import SystemPackage

/// Listeners: what the kernel holds of them, and how it lets go.
///
/// An operation that waits on a listener holds its file, and with it the address: also when its descriptor is closed, and for
/// some 10 ms after the process was killed, since the kernel takes a ring down after its process is gone. Where the kernel has
/// accepts that do not wait (``RingFeatures/waitFreeAccept``), one takes what there is, and then the ring polls an epoll,
/// which watches the listener and holds nothing.
extension UringBackend {
    /// Which operation wants the listener accepted from, and the epoll that tells when to.
    struct ListenerWatch {
        let token: OperationToken
        let epoll: FileDescriptor
    }

    /// How often the kernel is asked to take an accept's end, before that is left to the coming turns.
    private static let handOverAttemptsMax = 4

    package func endAccept(_ token: OperationToken, closing listener: FileDescriptor) -> Bool {
        guard process.isCurrent else {
            // In a fork's child the ring is the parent's, and this descriptor a copy.
            try? system.close(listener)
            return true
        }
        guard !isClosed, ownerThread != 0 else {
            cancel(token)
            return false
        }
        cancel(token)
        // The accept itself may be among what has not been handed over: it must not find another descriptor under the number.
        guard handOverEverything() else { return false }
        // Nobody is left to hear of a failure, after which it is closed all the same.
        try? system.close(listener)
        return true
    }

    /// Hands over all that is prepared, and has the kernel do what a cancel comes to: it lets go of a file within that.
    private func handOverEverything() -> Bool {
        for _ in 0..<Self.handOverAttemptsMax {
            retryParked()
            // Nothing is reaped, so this may happen within a delivery.
            let result = ring.submitAndWait(timeoutNanoseconds: 0)
            // A submission that found no memory is still in the queue.
            if result >= 0, parked.isEmpty, ring.submit() == 0 { return true }
        }
        return false
    }

    /// Connections that one turn takes by accepts that end with each, so that a flood of them does not hold up the rest.
    private static let acceptsMax = 64

    /// Takes those who have connected already, each when the one before has its protocol: by then the owner has cancelled if it wants
    /// no more. What else completes meanwhile is the next turn's.
    func acceptMore() {
        for _ in 1..<Self.acceptsMax {
            guard reapedCount < reapedCapacity else { return }
            rearmAccepting()
            guard ring.submit() >= 0 else { return }
            let start = reapedCount
            reapedCount += ring.reap(into: reaped + start, capacity: reapedCapacity - start)
            for index in start..<reapedCount {
                let completion = reaped[index]
                guard OperationToken(rawValue: completion.user_data).isAccept else { continue }
                reaped[index] = Self.nothing
                deliver(completion)
                guard process.isCurrent else { return }
            }
            if accepting.isEmpty { return }
        }
    }

    /// What the ring polls for an accept that found nobody; `nil` when it cannot be had.
    func listenerWatch(for token: OperationToken, _ listener: FileDescriptor) -> FileDescriptor? {
        if let watch = listenerWatches.first(where: { $0.token == token }) { return watch.epoll }
        guard let epoll = ring.makeListenerWatch(listener) else { return nil }
        listenerWatches.append(ListenerWatch(token: token, epoll: epoll))
        return epoll
    }

    /// An accept is over. Of one that waits no more the ring has no poll either.
    func closeListenerWatch(of token: OperationToken) {
        guard let index = listenerWatches.firstIndex(where: { $0.token == token }) else { return }
        ring.closeListenerWatch(listenerWatches.remove(at: index).epoll)
    }

    func closeListenerWatches() {
        for watch in listenerWatches { ring.closeListenerWatch(watch.epoll) }
        listenerWatches = []
    }
}
