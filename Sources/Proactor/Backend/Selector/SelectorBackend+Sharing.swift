/// How operations share what a turn delivers: see ``TurnBudget``.
extension SelectorBackend {
    func queue(_ token: OperationToken) {
        guard let record = table.find(token), !record.pointee.isQueued else { return }
        record.pointee.isQueued = true
        if record.pointee.isSated { sated.append(token) } else { ready.append(token) }
    }

    func serveReady() {
        // No callback polls, so the list stays as it is.
        let count = ready.count
        var index = 0
        while index < count, !budget.isSpent {
            let tokens = ready.elements
            if index + 2 < count { table.fetchOwner(tokens[index + 2]) }
            if index + 1 < count { table.fetchWaiter(tokens[index + 1]) }
            serve(tokens[index])
            // The owner forked, and has returned in the child: the rest is for the parent.
            guard process.isCurrent else { return }
            index += 1
        }
        ready.removeFirst(index)
    }

    /// One after the other has its share, as long as the turn's budget lasts.
    func serveSated() {
        for _ in 0..<sated.count {
            guard !budget.isSpent, process.isCurrent else { return }
            serve(sated.takeFirst())
        }
    }

    private func serve(_ token: OperationToken) {
        table.find(token)?.pointee.isQueued = false
        advance(token)
    }
}
