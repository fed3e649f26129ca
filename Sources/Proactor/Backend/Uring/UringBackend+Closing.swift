import CPosix
import CUring
import Glibc
import SystemPackage

extension UringBackend {
    private static let drainLimit = Duration.seconds(1)
    private static let drainStepNanoseconds: Int64 = 50_000_000
    /// How long to wait when the kernel refuses the ring.
    private static let refusedDrainRestNanoseconds: Int64 = 1_000_000

    /// Ends every operation without telling the owners, then lets go of the ring. From the thread that ran it, or when it
    /// never ran, or when that thread is gone; harmless when closed.
    ///
    /// Memory is freed when the kernel has ended every operation on it. Whoever lent memory to an operation that does not
    /// end within a second, or whose end cannot be seen from this thread, is kept alive for good.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        guard process.isCurrent else { return abandon() }
        var owners: [Unmanaged<CompletionOwner>] = ended.compactMap(\.owner)
        ended.removeAll()
        let isOnOwnerThread = ownerThread == cposix_thread_id()
        for index in 0..<reapedCount { discard(reaped[index], &owners) }
        reapedCount = 0
        discardParked(&owners)
        if isOnOwnerThread {
            drain(&owners)
        } else {
            // Nobody else uses the queues any more, so what is in them can be read from anywhere.
            discardReapable(&owners)
            // What was never handed over ends as if it had been cancelled at once.
            while let token = ring.takeUnsubmitted() {
                discard(RingCompletion(user_data: token.rawValue, result: -ECANCELED, flags: 0), &owners)
            }
        }
        let isDrained = table.count == 0
        if !isDrained {
            discardThoseWithoutMemory(&owners)
            restoreSendTimeouts()
        }
        ring.destroy(onOwnerThread: isOnOwnerThread, keepingBuffers: !isDrained)
        closeListenerWatches()
        // Not before: a step that the kernel has yet to begin looks its pipe up by number, which could be a stranger's by then.
        pipes.close(keepingLent: !isDrained)
        // The ring's end cancels what is left, some time later.
        if table.count > 0 { _ = Unmanaged.passRetained(table) }
        // Balances the table's retains, handed over as the operations were retired.
        for owner in owners { owner.release() }
    }

    private func drain(_ owners: inout [Unmanaged<CompletionOwner>]) {
        let deadline = system.now().advanced(by: Self.drainLimit)
        repeat {
            // Asked each time: an operation can be beyond reach for a moment.
            if !ring.prepareCancelOfAll(token: Self.cancelAllToken) {
                _ = ring.submit()
                _ = ring.prepareCancelOfAll(token: Self.cancelAllToken)
            }
            let wait = table.count == 0 ? 0 : Self.drainStepNanoseconds
            let result = ring.submitAndWait(timeoutNanoseconds: wait)
            discardReapable(&owners)
            if result < 0, result != -EINTR, table.count > 0 {
                ring.rest(nanoseconds: Self.refusedDrainRestNanoseconds)
            }
        } while table.count > 0 && system.now() < deadline
    }

    private func discardReapable(_ owners: inout [Unmanaged<CompletionOwner>]) {
        while true {
            let count = ring.reap(into: reaped, capacity: reapedCapacity)
            guard count > 0 else { return }
            for index in 0..<count { discard(reaped[index], &owners) }
        }
    }

    /// Takes note of a completion of which nobody is told.
    private func discard(_ completion: RingCompletion, _ owners: inout [Unmanaged<CompletionOwner>]) {
        let token = OperationToken(rawValue: completion.user_data)
        guard !token.isHousekeeping else { return }
        discardDescriptor(completion, token: token)
        guard !completion.hasMore, let record = table.find(token) else { return }
        if case .sendFile(let transfer) = record.pointee.operation {
            transfer.pointee.stepCompleted(token.kind, completion.result)
            guard transfer.pointee.stepsInFlight == 0 else { return }
            unequip(transfer)
        }
        if completion.result == -ECANCELED { closeIfAsked(record) }
        if let owner = table.retire(token) { owners.append(owner) }
    }

    /// Ends what never reached the kernel for want of room or of buffers.
    private func discardParked(_ owners: inout [Unmanaged<CompletionOwner>]) {
        var waiting = parked + starved + satisfied + accepting + resting.tokens
        while !sated.isEmpty { waiting.append(sated.takeFirst()) }
        for token in waiting where !token.isHousekeeping {
            guard let record = table.find(token) else { continue }
            if case .sendFile(let transfer) = record.pointee.operation { unequip(transfer) }
            closeIfAsked(record)
            if let owner = table.retire(token) { owners.append(owner) }
        }
        parked.removeAll()
        starved.removeAll()
        satisfied.removeAll()
        accepting.removeAll()
        resting.removeAll()
    }

    /// Ends operations that use no memory of their owner's.
    private func discardThoseWithoutMemory(_ owners: inout [Unmanaged<CompletionOwner>]) {
        table.forEach { token in
            switch token.kind {
            case .accept, .receive, .receiveOnce, .pipeRead, .waitUntilReadable, .waitUntilWritable,
                .waitForHangUp, .waitForChild, .close, .closeFile, .synchronizeFile, .watch:
                if let owner = table.retire(token) { owners.append(owner) }
            default:
                return
            }
        }
    }

    /// Leaves the sockets as they were to which the kernel still sends files. The ring's end cancels that, so it needs no limit.
    private func restoreSendTimeouts() {
        table.forEach { token in
            guard case .sendFile(let transfer)? = table.find(token)?.pointee.operation else { return }
            restoreSendTimeout(of: transfer)
        }
    }

    /// Does what a close operation did not come to do: its descriptor has no other owner.
    private func closeIfAsked(_ record: UnsafeMutablePointer<OperationTable.Record>) {
        switch record.pointee.operation {
        case .close(let descriptor), .closeFile(let descriptor):
            // Nobody is left to hear of a failure.
            try? system.close(descriptor)
        default:
            return
        }
    }

    /// In a fork's child the ring, and all that is in flight in it, is the parent's.
    private func abandon() {
        ring.abandon()
        closeListenerWatches()
        _ = Unmanaged.passRetained(table)
    }
}
