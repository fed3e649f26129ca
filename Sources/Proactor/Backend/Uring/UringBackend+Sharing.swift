/// How connections share what a turn delivers: see ``TurnBudget``.
extension UringBackend {
    /// Counts what an operation has brought.
    @inline(__always)
    func count(_ bytes: Int32, _ record: UnsafeMutablePointer<OperationTable.Record>) {
        budget.spend(Int(bytes))
        record.pointee.received &+= UInt32(bitPattern: bytes)
    }

    func giveShare(to record: UnsafeMutablePointer<OperationTable.Record>, among count: Int) {
        record.pointee.share = UInt32(budget.share(among: count))
        record.pointee.received = 0
        record.pointee.sharedInTurn = budget.turn
    }

    /// An operation has had its share, and the kernel goes on with it. A kernel that counts ends it by itself.
    @inline(never)
    func hadItsShare(_ record: UnsafeMutablePointer<OperationTable.Record>, token: OperationToken) {
        guard budget.isUsedUp(by: record.pointee) else { return renewShare(of: record) }
        let isCounted = features.countedReceive && token.kind == .receive
        guard !isCounted, !record.pointee.isInterrupted, record.pointee.state == .inFlight else { return }
        record.pointee.isInterrupted = true
        requestCancel(of: token)
    }

    /// Gives another share to one that took its time about the last.
    func renewShare(of record: UnsafeMutablePointer<OperationTable.Record>) {
        giveShare(to: record, among: 1)
        if record.pointee.isSingle { record.pointee.isSingle = isSingle(record.pointee.operation) }
    }

    /// Tells first what the kernel has taken: what a protocol then writes, and hears of marks, is about the peer and not about
    /// news that wait behind other connections' bytes.
    func deliverSends() {
        for index in 0..<reapedCount {
            let completion = reaped[index]
            guard OperationToken(rawValue: completion.user_data).kind?.takesBytes == true else { continue }
            reaped[index] = Self.nothing
            deliver(completion)
            guard process.isCurrent else { return }
        }
    }

    /// A completion of which there is nothing to tell.
    private static let nothing = RingCompletion(user_data: cancelAllToken.rawValue, result: 0, flags: 0)

    /// Puts an operation that the kernel has no more behind those that wait for a share.
    func waitForShare(_ record: UnsafeMutablePointer<OperationTable.Record>, token: OperationToken) {
        table.transition(record, to: .parked)
        sated.append(token)
    }

    /// Gives those the next turn's shares who have waited longest. The others' bytes stay in the kernel.
    func shareOut() {
        hasSharedOut = !sated.isEmpty
        // What was not delivered holds buffers, and comes first.
        guard hasSharedOut, !budget.isSpent else { return }
        var left = budget.bytes
        let count = sated.count
        for _ in 0..<count where left > 0 {
            let token = sated.takeFirst()
            // Cancelled meanwhile, unless it is still there.
            guard let record = table.find(token) else { continue }
            giveShare(to: record, among: count)
            left -= Int(record.pointee.share)
            // What the kernel does not end by itself is received piece by piece, until it takes its time about a share.
            if !endsWithShare(token) { record.pointee.isSingle = true }
            table.transition(record, to: .inFlight)
            rearm(record, token: token)
        }
    }

    /// Whether the kernel ends an operation with its share. Datagrams are bounded by their buffers.
    private func endsWithShare(_ token: OperationToken) -> Bool {
        features.countedReceive && token.kind == .receive || token.kind == .receiveDatagrams
    }
}
