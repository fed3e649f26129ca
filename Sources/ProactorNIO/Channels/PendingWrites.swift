#if NIO
    import DequeModule
    import NIOCore

    /// What was written to a channel and has not been handed to its transport, and who waits for what was.
    ///
    /// ```
    ///   write ──▶ unflushed ──flush──▶ flushed ──as soon as it may──▶ the transport ──▶ the kernel: the promise succeeds
    /// ```
    /// Bytes are counted from the channel's beginning, as the transport gets them: a promise waits for a count.
    struct PendingWrites<Payload> {
        struct Write {
            let payload: Payload
            let byteCount: Int
            let promise: EventLoopPromise<Void>?
        }

        private struct Waiter {
            let end: UInt64
            let promise: EventLoopPromise<Void>
        }

        private var writes = ShortQueue<Write>()
        /// How many of the first writes were flushed.
        private(set) var flushedCount = 0
        private var waiters: Deque<Waiter> = []
        /// Bytes of ``writes``.
        private(set) var byteCount = 0
        /// Bytes that the transport was given.
        private(set) var handedOver: UInt64 = 0
        /// So many of them at least have left.
        private var knownTaken: UInt64 = 0

        var isEmpty: Bool { writes.isEmpty }
        var hasWaiters: Bool { !waiters.isEmpty }

        mutating func append(_ payload: consuming Payload, byteCount: Int, _ promise: EventLoopPromise<Void>?)
        {
            self.byteCount += byteCount
            writes.append(Write(payload: payload, byteCount: byteCount, promise: promise))
        }

        mutating func flush() {
            flushedCount = writes.count
        }

        /// The next write that was flushed.
        mutating func takeFlushed() -> Write? {
            guard flushedCount > 0, let write = writes.popFirst() else { return nil }
            flushedCount -= 1
            byteCount -= write.byteCount
            return write
        }

        /// So many bytes went to the transport; `promise` waits until it has taken all by then.
        mutating func handOver(_ count: Int, _ promise: EventLoopPromise<Void>?) {
            handedOver += UInt64(count)
            if let promise { waiters.append(Waiter(end: handedOver, promise: promise)) }
        }

        /// The transport has said how much of all that it was given is left.
        mutating func learn(untaken: Int) {
            knownTaken = handedOver - UInt64(untaken)
        }

        /// No more than so many bytes are left, here and at the transport: what is known without asking that.
        var mostBuffered: Int { byteCount + Int(handedOver - knownTaken) }

        /// The transport has not taken the last ones. Returns their promise.
        mutating func takeBack(_ count: Int) -> EventLoopPromise<Void>? {
            let promise = waiters.last?.end == handedOver ? waiters.removeLast().promise : nil
            handedOver -= UInt64(count)
            return promise
        }

        /// The next promise that has to wait no longer, when only `untaken` bytes of all are left.
        mutating func takeSatisfied(untaken: Int) -> EventLoopPromise<Void>? {
            guard let first = waiters.first, first.end + UInt64(untaken) <= handedOver else { return nil }
            return waiters.removeFirst().promise
        }

        /// The promise of the write that ends `byteCount` behind what was taken, if it has one.
        mutating func takeFirstUntaken(byteCount: Int, untaken: Int) -> EventLoopPromise<Void>? {
            let end = handedOver - UInt64(untaken) + UInt64(byteCount)
            guard let index = waiters.firstIndex(where: { $0.end == end }) else { return nil }
            return waiters.remove(at: index).promise
        }

        /// The promises of what was not flushed, which is dropped.
        mutating func takeUnflushed() -> [EventLoopPromise<Void>] {
            var promises: [EventLoopPromise<Void>] = []
            while writes.count > flushedCount {
                let write = writes.removeLast()
                byteCount -= write.byteCount
                if let promise = write.promise { promises.append(promise) }
            }
            return promises.reversed()
        }

        /// All promises in the order of the writes; nothing is left.
        mutating func takeAll() -> [EventLoopPromise<Void>] {
            var promises = waiters.map(\.promise)
            writes.forEach { if let promise = $0.promise { promises.append(promise) } }
            waiters.removeAll()
            writes.removeAll()
            flushedCount = 0
            byteCount = 0
            return promises
        }
    }
#endif
