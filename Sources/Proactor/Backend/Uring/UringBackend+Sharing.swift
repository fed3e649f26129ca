/// How connections share what a turn delivers: see ``TurnBudget``.
extension UringBackend {
    /// Counts what an operation has brought.
    @inline(__always)
    func count(_ bytes: Int32, _ record: UnsafeMutablePointer<OperationTable.Record>) {
        budget.spend(Int(bytes))
        record.pointee.received &+= UInt32(bitPattern: bytes)
    }

    func give(_ share: Int, to record: UnsafeMutablePointer<OperationTable.Record>) {
        record.pointee.share = UInt32(share)
        record.pointee.received = 0
    }

    /// Whether an operation must wait for another share. One that brings little gets it at once.
    @inline(__always)
    func hadItsShare(_ record: UnsafeMutablePointer<OperationTable.Record>, _ piece: Int32) -> Bool {
        record.pointee.received >= record.pointee.share && !renewsShare(of: record, piece)
    }

    @inline(never)
    private func renewsShare(of record: UnsafeMutablePointer<OperationTable.Record>, _ piece: Int32) -> Bool {
        guard TurnBudget.isLight(piece, ofShare: record.pointee.share) else { return false }
        give(budget.firstShare, to: record)
        if record.pointee.isSingle { record.pointee.isSingle = isSingle(record.pointee.operation) }
        return true
    }

    /// Whether an operation whose share is without limit has brought the turn's last bytes.
    @inline(__always)
    func hasSpentTurn(_ record: UnsafeMutablePointer<OperationTable.Record>) -> Bool {
        budget.isSpent && record.pointee.share == TurnBudget.unlimitedShare
    }

    /// Ends an operation with which the kernel would go on beyond its share, or beyond the turn's bytes. A kernel that counts ends it
    /// by itself where there is something to count to.
    @inline(never)
    func interrupt(_ record: UnsafeMutablePointer<OperationTable.Record>, token: OperationToken) {
        let isCounted = features.countedReceive && token.isOf(.receive)
        guard !isCounted || record.pointee.share == TurnBudget.unlimitedShare, !record.pointee.isInterrupted,
            record.pointee.state == .inFlight
        else { return }
        record.pointee.isInterrupted = true
        requestCancel(of: token)
    }

    /// Tells first what the kernel has taken: what a protocol then writes, and hears of marks, is about the peer and not about
    /// news that wait behind other connections' bytes.
    func deliverSends() {
        for index in 0..<reapedCount {
            let completion = reaped[index]
            guard OperationToken(rawValue: completion.user_data).takesBytes else { continue }
            reaped[index] = Self.nothing
            deliver(completion)
            guard process.isCurrent else { return }
        }
    }

    /// A completion of which there is nothing to tell.
    static let nothing = RingCompletion(user_data: cancelAllToken.rawValue, result: 0, flags: 0)

    /// Puts an operation that the kernel has no more behind those that wait for a share.
    func waitForShare(_ record: UnsafeMutablePointer<OperationTable.Record>, token: OperationToken) {
        table.transition(record, to: .parked)
        sated.append(token)
    }

    /// Arms what the next turn shall bring: what found no buffer, single receives, and then those who have had their share, the
    /// longest waiting first, as far as the turn's bytes go. The others' bytes stay in the kernel.
    func shareOut() {
        hasSharedOut = !sated.isEmpty || !starved.isEmpty
        var left = budget.bytes
        if !starved.isEmpty { left -= rearmStarved() }
        if !satisfied.isEmpty || !accepting.isEmpty { rearmSatisfied() }
        for _ in 0..<sated.count where left > 0 {
            let token = sated.takeFirst()
            // Cancelled meanwhile, unless it is still there.
            guard let record = table.find(token) else { continue }
            give(budget.share, to: record)
            left -= min(Int(record.pointee.share), features.bufferSize * features.bufferCount)
            // What the kernel does not end by itself is received piece by piece, until it brings little or may bring all.
            if record.pointee.share == TurnBudget.unlimitedShare {
                record.pointee.isSingle = isSingle(record.pointee.operation)
            } else if !endsWithShare(token) {
                record.pointee.isSingle = true
            }
            table.transition(record, to: .inFlight)
            rearm(record, token: token)
        }
    }

    /// Arms receives that found no buffer: this turn's delivery has given buffers back. Returns how many bytes they can have of a
    /// turn.
    ///
    /// Those that had some of this turn's buffers come last. Armed in the order in which they ran out, the first could take
    /// every buffer in each turn, and the others none ever.
    private func rearmStarved() -> Int {
        var served: Set<OperationToken> = []
        for index in 0..<reapedCount where reaped[index].result > 0 {
            served.insert(OperationToken(rawValue: reaped[index].user_data))
        }
        let waiting = starved
        starved.removeAll(keepingCapacity: true)
        var granted = 0
        for token in waiting.filter({ !served.contains($0) }) + waiting.filter(served.contains) {
            // Cancelled meanwhile, unless it is still there.
            guard let record = table.find(token) else { continue }
            guard granted < budget.bytes else {
                starved.append(token)
                continue
            }
            if record.pointee.operation.takesShares { give(budget.firstShare, to: record) }
            granted += min(Int(record.pointee.share), features.bufferSize)
            table.transition(record, to: .inFlight)
            rearm(record, token: token)
        }
        return granted
    }

    /// Whether the kernel ends an operation with its share. Datagrams are bounded by their buffers.
    private func endsWithShare(_ token: OperationToken) -> Bool {
        features.countedReceive && token.isOf(.receive) || token.isOf(.receiveDatagrams)
    }
}
