import Glibc
import SystemPackage

extension UringBackend {
    /// Puts an operation into the submission queue. False when there is no room.
    func prepare(_ record: UnsafeMutablePointer<OperationTable.Record>, token: OperationToken) -> Bool {
        // The table does not grow here, so the record stays where it is.
        record.pointee.isInterrupted = false
        return makingRoom {
            let operation = record.pointee.operation
            if record.pointee.isSingle, operation.kind != .accept {
                return directRing.prepareSingle(operation, into: groupOfSingle(token), token: token)
            }
            if features.countedReceive, case .receive(let socket) = operation {
                return directRing.prepareReceive(from: socket, share: record.pointee.share, token: token)
            }
            return directRing.prepare(operation, token: token)
        }
    }

    /// Whether it ends with its first completion, other than those around it.
    @inline(__always)
    func isSingle(_ operation: IOOperation) -> Bool {
        switch operation {
        case .receiveOnce: features.incrementalBuffers
        case .accept(_, let oneByOne): oneByOne
        case .receive: sparesUnixSockets && isReceiveFromUnixSocket(operation)
        default: false
        }
    }

    private func groupOfSingle(_ token: OperationToken) -> BufferGroup {
        token.isOf(.receiveOnce) && singleBuffers != nil ? .singles : .streams
    }

    /// Makes the buffers of single receives. Once only: what is under way must not be taken for another group's.
    func makeSingleBuffers() {
        hasTriedSingleBuffers = true
        guard let area = try? ring.makeSingleBuffers() else { return }
        singleBuffers = ProvidedBuffers(ring: ring, area: area)
    }

    /// Asked once for each connection, and only by kernels whose multishot receives forget the end of such a stream.
    private func isReceiveFromUnixSocket(_ operation: IOOperation) -> Bool {
        guard case .receive(let socket) = operation else { return false }
        return (try? system.option(.addressFamily, of: socket)) == AF_UNIX
    }

    /// Prepares something once more when the submission queue was full and could be flushed.
    @inline(__always)
    private func makingRoom(_ prepare: () -> Bool) -> Bool {
        prepare() || flush() && prepare()
    }

    /// Ends an operation without the kernel: its owner, whom the table has retained, is told with the next delivery.
    func endWithoutKernel(_ token: OperationToken, _ errno: Errno) {
        if token.isAccept { closeListenerWatch(of: token) }
        ended.append(EndedOperation(token: token, owner: table.retire(token), result: -errno.rawValue))
    }

    /// Makes what datagrams are received into. False when it cannot be had: the operation ends with the reason.
    func makeDatagramBuffers(for token: OperationToken) -> Bool {
        do {
            datagramBuffers = ProvidedBuffers(ring: ring, area: try ring.makeDatagramBuffers())
            return true
        } catch {
            endWithoutKernel(token, error)
            return false
        }
    }

    /// Keeps an operation back until the kernel takes submissions again.
    func park(_ token: OperationToken) {
        guard let record = table.find(token) else {
            preconditionFailure("an operation that is over was parked")
        }
        table.transition(record, to: .parked)
        parked.append(token)
    }

    /// Submits anew an operation that the kernel ended and its owner did not.
    func rearm(_ record: UnsafeMutablePointer<OperationTable.Record>, token: OperationToken) {
        if !parked.isEmpty || !prepare(record, token: token) { park(token) }
    }

    /// Asks the kernel to cancel what it has.
    func requestCancel(of target: OperationToken) {
        let request = target.named(.cancel)
        // What is parked is not what this is about: the kernel has that.
        if !prepareCancel(of: target, token: request) { parked.append(request) }
    }

    func armWakeUpRead() {
        let token = Self.wakeUpReadToken
        if !prepareWakeUpRead(token: token) { parked.append(token) }
    }

    private func prepareWakeUpRead(token: OperationToken) -> Bool {
        makingRoom { ring.prepareWakeUpRead(token: token) }
    }

    /// Submits what found no room before, oldest first, until there is no room again.
    func retryParked() {
        var done = 0
        while done < parked.count, retry(parked[done]) { done += 1 }
        parked.removeFirst(done)
    }

    /// Arms the single receives that brought something, and accepts that may bring more than a turn takes.
    func rearmSatisfied() {
        rearmAccepting()
        for token in satisfied { rearmParked(token) }
        satisfied.removeAll(keepingCapacity: true)
    }

    func rearmAccepting() {
        for token in accepting { rearmParked(token) }
        accepting.removeAll(keepingCapacity: true)
    }

    func rearmParked(_ token: OperationToken) {
        // Cancelled meanwhile, unless it is still there.
        guard let record = table.find(token) else { return }
        table.transition(record, to: .inFlight)
        rearm(record, token: token)
    }

    private func retry(_ token: OperationToken) -> Bool {
        switch token.kind {
        case .wake:
            return prepareWakeUpRead(token: token)
        case .cancel:
            // Over meanwhile, unless it is still there.
            guard let record = table.find(token) else { return true }
            return prepareCancel(of: token.named(record.pointee.operation.kind), token: token)
        default:
            guard let record = table.find(token) else { return true }
            guard prepare(record, token: token) else { return false }
            table.transition(record, to: .inFlight)
            return true
        }
    }

    private func prepareCancel(of target: OperationToken, token: OperationToken) -> Bool {
        if target.isOf(.sendFile) {
            // Whichever of its steps is under way; a request that finds nothing changes nothing.
            let steps = [target.named(.sendFileFill), target.named(.sendFileWait), target]
            return steps.allSatisfy { prepareCancelOfOne($0, token: token) }
        }
        return prepareCancelOfOne(target, token: token)
    }

    private func prepareCancelOfOne(_ target: OperationToken, token: OperationToken) -> Bool {
        makingRoom { ring.prepareCancel(of: target, token: token) }
    }

    /// Makes room in the submission queue. A ring that is not enabled yet takes nothing.
    private func flush() -> Bool {
        ownerThread != 0 && ring.submit() >= 0
    }
}
