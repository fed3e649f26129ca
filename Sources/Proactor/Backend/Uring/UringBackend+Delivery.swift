import Glibc
import SystemPackage

extension UringBackend {
    /// What a completion without F_MORE means for an operation.
    private enum Conclusion {
        /// It is over, with this result.
        case final(Int32)
        /// It goes on after it has brought something.
        case goesOn
        /// It goes on, and the owner need not know.
        case again
        /// The same, and it has failed at something that the owner need not know: which may go on.
        case afterFailure
        /// Somebody made its descriptor non-blocking: it goes on once that is undone.
        case onceAdopted
        /// It goes on once those have had their turn who wait as it does.
        case whenItsTurnComes
        /// It goes on once there are buffers.
        case whenBuffersReturn
        /// It goes on once somebody connects.
        case whenConnectedTo(FileDescriptor)
        /// It goes on once that side of its descriptor is ready.
        case whenReady(Readiness)
        /// The same for writing, where a single wait would end at once in nothing.
        case whenRoomComes
        /// It has brought something, and goes on after its owner has dealt with that.
        case afterItsOwner
    }

    /// Tells the owners of operations that ended without the kernel.
    func deliverEnded() {
        guard !ended.isEmpty else { return }
        // What these calls end comes next time, so that this comes to an end.
        let batch = ended
        ended.removeAll()
        for operation in batch {
            let completion = Completion(token: operation.token, result: operation.result, isFinal: true)
            tellLast(operation.owner, completion)
            guard process.isCurrent else { return }
        }
    }

    func deliver(_ completion: RingCompletion) {
        let completion = completion.result < 0 ? completion.withoutRestart : completion
        let token = OperationToken(rawValue: completion.user_data)
        guard !token.isSpecial else { return deliverSpecial(completion, token: token) }
        guard let record = table.find(token) else { return dropStale(completion, token: token) }
        if case .receiveDatagrams(_, let reception) = record.pointee.operation {
            return deliverDatagram(completion, record, reception, token: token)
        }
        let isSingle = record.pointee.isSingle && token.isOf(.receiveOnce)
        let piece = completion.hasBuffer ? take(completion, isSingle: isSingle) : .none
        if completion.result > 0, token.bringsBytes { count(completion.result, record) }
        if piece.isFull, isCutMessage(completion.result, record.pointee.operation) {
            conclude(-EMSGSIZE, record, token: token, bytes: ProvidedBuffers.Piece.none.bytes)
        } else if completion.hasMore {
            guard !record.pointee.isWaiting else { return roomMayHaveCome(completion, record, token: token) }
            record.pointee.vainTries = 0
            if hadItsShare(record, completion.result) || hasSpentTurn(record) {
                interrupt(record, token: token)
            }
            call(
                record.pointee.owner,
                Completion(token: token, result: completion.result, isFinal: false, bytes: piece.bytes)
            )
        } else {
            conclude(completion.result, record, token: token, bytes: piece.bytes)
        }
        // `record` may have moved: the owner may have submitted.
        if isSingle, let singleBuffers {
            singleBuffers.giveBack(piece.spentBuffer)
        } else {
            streamBuffers.giveBack(piece.spentBuffer)
        }
    }

    @inline(__always)
    private func take(_ completion: RingCompletion, isSingle: Bool) -> ProvidedBuffers.Piece {
        if isSingle, let singleBuffers { return singleBuffers.take(completion) }
        return streamBuffers.take(completion)
    }

    func conclude(
        _ result: Int32,
        _ record: UnsafeMutablePointer<OperationTable.Record>,
        token: OperationToken,
        bytes: UnsafeRawBufferPointer
    ) {
        switch conclusion(of: result, record) {
        case .final(let result):
            finish(token, result, bytes)
        case .goesOn:
            record.pointee.vainTries = 0
            // Armed first, so that a cancel within the call finds it where it finds every operation.
            let owner = record.pointee.owner
            if hadItsShare(record, result) {
                waitForShare(record, token: token)
                call(owner, Completion(token: token, result: result, isFinal: false, bytes: bytes))
                return
            }
            // A single receive of datagrams would write over what is told of this one, and an accept of one by one waits for its
            // owner.
            if !features.multishotReceive || record.pointee.isSingle {
                table.transition(record, to: .parked)
                if token.isAccept { accepting.append(token) } else { satisfied.append(token) }
            } else {
                rearm(record, token: token)
            }
            call(owner, Completion(token: token, result: result, isFinal: false, bytes: bytes))
        case .again:
            rearm(record, token: token)
        case .afterFailure:
            if failsForEver(record) { rest(record, token: token) } else { rearm(record, token: token) }
        case .onceAdopted:
            adoptAndRearm(record, token: token)
        case .whenConnectedTo(let listener):
            if waitsInVain(record, for: .read) { return rest(record, token: token) }
            // Without a watch it waits within the kernel, on the listener itself.
            let watched = listenerWatch(for: token, listener) ?? listener
            wait(record, token: token) { _ in ring.prepareWait(for: .read, of: watched, token: token) }
        case .whenBuffersReturn:
            providedBuffers(of: token).ranOut()
            table.transition(record, to: .parked)
            starved.append(token)
        case .whenReady(let side):
            if waitsInVain(record, for: side) { return rest(record, token: token) }
            wait(record, token: token) { ring.prepareWait(for: side, of: $0, token: token) }
        case .whenRoomComes:
            wait(record, token: token) { ring.prepareWaitForRoom(of: $0, token: token) }
        case .afterItsOwner:
            callBeforeRearming(record, token: token)
        case .whenItsTurnComes:
            waitForShare(record, token: token)
        }
    }

    private func adoptAndRearm(
        _ record: UnsafeMutablePointer<OperationTable.Record>,
        token: OperationToken
    ) {
        do {
            if let descriptor = record.pointee.operation.descriptor { try system.adopt(descriptor) }
            rearm(record, token: token)
        } catch {
            finish(token, -error.rawValue, ProvidedBuffers.Piece.none.bytes)
        }
    }

    @inline(__always)
    func finish(_ token: OperationToken, _ result: Int32, _ bytes: UnsafeRawBufferPointer) {
        if token.isAccept { closeListenerWatch(of: token) }
        let owner = table.retire(token)
        tellLast(owner, Completion(token: token, result: result, isFinal: true, bytes: bytes))
    }

    /// Calls the owner of an operation that is retired.
    @inline(__always)
    private func tellLast(_ owner: Unmanaged<CompletionOwner>?, _ completion: Completion) {
        call(owner, completion)
        // Balances the table's retain, which retiring handed over.
        owner?.release()
    }

    /// For what is level-triggered: submitted before its owner has acted, it would find again what its owner is told of.
    /// Parked meanwhile, so that the owner can cancel it.
    private func callBeforeRearming(
        _ record: UnsafeMutablePointer<OperationTable.Record>,
        token: OperationToken
    ) {
        table.transition(record, to: .parked)
        call(record.pointee.owner, Completion(token: token, result: 0, isFinal: false))
        // The table may have moved or the operation be cancelled: a cancelled one keeps its owner until that is told. Where the
        // owner has forked, the child has no queue to submit to.
        guard process.isCurrent, let record = table.find(token) else { return }
        table.transition(record, to: .inFlight)
        rearm(record, token: token)
    }

    /// Calls an owner whom the table retains throughout: an operation that goes on is retired by a later delivery only.
    @inline(__always)
    func call(_ owner: Unmanaged<CompletionOwner>?, _ completion: Completion) {
        if let meter { return meter.tell(owner, completion) }
        owner?._withUnsafeGuaranteedRef { $0.operationCompleted(completion) }
    }

    private func conclusion(of result: Int32, _ record: UnsafeMutablePointer<OperationTable.Record>)
        -> Conclusion
    {
        if record.pointee.isWaiting { return conclusionOfWait(result, record) }
        let usual = usualConclusion(of: result, record)
        guard record.pointee.state != .inFlight else { return usual }
        // The owner wants it over: bytes or a descriptor that it brings at the last moment count all the same. What would be
        // tried again has failed in nothing.
        switch usual {
        case .goesOn, .afterItsOwner: return .final(result)
        case .again, .afterFailure, .onceAdopted, .whenBuffersReturn, .whenConnectedTo, .whenReady,
            .whenRoomComes, .whenItsTurnComes, .final(-EAGAIN):
            return .final(-ECANCELED)
        case .final: return usual
        }
    }

    /// What becomes of an operation that nobody has cancelled.
    private func usualConclusion(
        of result: Int32,
        _ record: UnsafeMutablePointer<OperationTable.Record>
    ) -> Conclusion {
        let operation = record.pointee.operation
        if case .connect = operation { return conclusionOfConnect(result) }
        switch operation {
        case .accept where result >= 0, .receive where result > 0, .receiveDatagrams where result >= 0,
            .pipeRead where result > 0:
            // A full completion queue ends a multishot; a single shot always ends.
            return .goesOn
        case .accept where AcceptFailure.isAboutOneConnection(result),
            .acceptOnce where AcceptFailure.isAboutOneConnection(result):
            // One connection failed before it was accepted: no matter of the listener's.
            return .afterFailure
        case .accept(let listener, _) where result == -EAGAIN:
            // Nobody else is waiting to be accepted.
            return .whenConnectedTo(listener)
        case .receive where result == -ENOBUFS, .receiveDatagrams where result == -ENOBUFS,
            .receiveOnce where result == -ENOBUFS, .pipeRead where result == -ENOBUFS:
            return .whenBuffersReturn
        case .receive where result == -ECANCELED, .receiveDatagrams where result == -ECANCELED,
            .pipeRead where result == -ECANCELED:
            // Its owner has not cancelled it: then ``interrupt(_:token:)`` has.
            return .whenItsTurnComes
        case .pipeRead where result == -EAGAIN, .pipeReadInto where result == -EAGAIN:
            // Somebody else was faster after the kernel had waited.
            return .whenReady(.read)
        case .waitForHangUp where result > 0:
            if isOnlyQueuedError(result, record) { return .again }
            // A socket's peer that only stops sending is told of too.
            return .final(result & (POLLHUP | POLLERR) != 0 ? 1 : 0)
        case .waitUntilWritable where result > 0 && ReadyEvents.areOnlyErrors(result):
            return .whenReady(.write)
        case .waitUntilWritable where RingCompletion.tellsOnlyOfPeersEnd(result),
            .watch(_, .write) where RingCompletion.tellsOnlyOfPeersEnd(result):
            return .whenRoomComes
        case .watch where result >= 0:
            return .afterItsOwner
        case .acceptOnce where result == -EAGAIN, .receiveOnce where result == -EAGAIN,
            .receiveInto where result == -EAGAIN, .receiveMessage where result == -EAGAIN,
            .pipeRead where result == -EAGAIN, .pipeReadInto where result == -EAGAIN:
            // The descriptor is non-blocking, and its owner may rely on that; or somebody else was faster after the kernel had
            // waited.
            return .whenReady(.read)
        case .sendNow where result == -EAGAIN, .sendMessageNow where result == -EAGAIN:
            return .final(result)
        case .send where result == -EAGAIN, .sendMessage where result == -EAGAIN,
            .pipeWrite where result == -EAGAIN, .pipeWriteVector where result == -EAGAIN:
            // A write to a pipe waits in the kernel first, but that is no wait when the pipe is a socket whose peer has ended
            // its sending.
            return .whenReady(.write)
        case .close:
            // The descriptor is gone even after EINTR: once more could close a stranger's.
            return .final(result == -EINTR ? 0 : result)
        default:
            break
        }
        switch result {
        case -EINTR:
            return .again
        case -EAGAIN where operation.descriptor != nil:
            return .onceAdopted
        default:
            return .final(result)
        }
    }

    private func conclusionOfConnect(_ result: Int32) -> Conclusion {
        switch result {
        case -EISCONN:
            return .final(0)
        case -EINPROGRESS, -EALREADY:
            return .whenReady(.write)
        case -EINTR:
            return .again
        default:
            return .final(result)
        }
    }

    /// The operation itself tells what has become of it: whatever the wait brought, it is tried again.
    private func conclusionOfWait(
        _ result: Int32,
        _ record: UnsafeMutablePointer<OperationTable.Record>
    ) -> Conclusion {
        record.pointee.isWaiting = false
        // A cancelled operation has done nothing, also when its descriptor became ready at the last moment.
        guard record.pointee.state == .inFlight else { return .final(result < 0 ? result : -ECANCELED) }
        if record.pointee.operation.side == .write, RingCompletion.tellsOnlyOfPeersEnd(result) {
            return .whenRoomComes
        }
        // Its owner has not cancelled it: then ``roomMayHaveCome(_:_:token:)`` has.
        return result >= 0 || result == -EINTR || result == -ECANCELED ? .again : .final(result)
    }

    /// Some kernels do not wait for a connection to be made, or for a non-blocking descriptor, and none may wait for room. The
    /// wait has the operation's own name, so that a cancel finds it. Without room for it, trying again comes to the same.
    private func wait(
        _ record: UnsafeMutablePointer<OperationTable.Record>,
        token: OperationToken,
        _ prepareWait: (FileDescriptor) -> Bool
    ) {
        guard let descriptor = record.pointee.operation.descriptor else {
            preconditionFailure("only what has a descriptor waits for it")
        }
        guard prepareWait(descriptor) else { return park(token) }
        record.pointee.isWaiting = true
    }

    /// A wait for room tells of a change. With room it has done its work, and ends by being cancelled. A second request for that
    /// does no harm: the kernel sees it before whatever follows the wait under the same name.
    func roomMayHaveCome(
        _ completion: RingCompletion,
        _ record: UnsafeMutablePointer<OperationTable.Record>,
        token: OperationToken
    ) {
        guard record.pointee.state == .inFlight, !completion.tellsOnlyOfPeersEnd else { return }
        requestCancel(of: token)
    }

    @inline(never)
    private func deliverSpecial(_ completion: RingCompletion, token: OperationToken) {
        guard !token.isHousekeeping else { return handleHousekeeping(completion) }
        guard let record = table.find(token) else { return dropStale(completion, token: token) }
        transferStepCompleted(completion, record, token: token.named(.sendFile))
    }

    private func handleHousekeeping(_ completion: RingCompletion) {
        guard completion.user_data == Self.wakeUpReadToken.rawValue else {
            // A cancel's own completion says little that its target's does not say; a message has done its work.
            if completion.result == -ENOENT { cancelAgain(OperationToken(rawValue: completion.user_data)) }
            return
        }
        switch completion.result {
        case 1..., -EINTR, -EAGAIN:
            armWakeUpRead()
        default:
            // Going on would leave the loop deaf.
            preconditionFailure("the loop's wake-up broke: \(Errno(rawValue: -completion.result))")
        }
    }

    /// Lets nothing leak that came under a name which is no operation's.
    private func dropStale(_ completion: RingCompletion, token: OperationToken) {
        staleCompletionCount += 1
        if completion.hasBuffer {
            let buffers = providedBuffers(of: token)
            buffers.giveBack(buffers.take(completion).spentBuffer)
        }
        discardDescriptor(completion, token: token)
    }

    /// Closes what an accept or an open brought that nobody wants any more.
    func discardDescriptor(_ completion: RingCompletion, token: OperationToken) {
        guard token.kind?.bringsDescriptor == true, completion.result >= 0 else { return }
        // Nobody is left to hear of a failure.
        try? system.close(FileDescriptor(rawValue: completion.result))
    }
}
