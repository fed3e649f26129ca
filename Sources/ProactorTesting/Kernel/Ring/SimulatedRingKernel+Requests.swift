import Glibc
import Proactor
import SystemPackage

/// What becomes of each request.
extension SimulatedRingKernel {
    private static let connectRetry: Int64 = 1_000_000
    /// Completions of one request in a row before the others have their turn.
    private static let runMax = 32
    private static let workersMax = 2
    /// What the loop is always told of, whatever it polls for.
    private static let always = POLLERR | POLLHUP | POLLNVAL | OpenFile.pollPeerEnded

    /// Takes a submission. Returns its place, unless it is over at once.
    func begin(_ work: RingWork, _ name: UInt64, after former: Int) -> Int {
        switch work {
        case .cancel(let target):
            cancel(target, name)
            return -1
        case .cancelAll:
            cancelAll(name)
            return -1
        default: break
        }
        guard !isCrashed else {
            postLast(name, -ECANCELED)
            return -1
        }
        var file: OpenFile?
        if let descriptor = work.descriptor {
            guard let found = process.file(descriptor) else {
                postLast(name, -EBADF)
                return -1
            }
            found.retain()
            file = found
        }
        let slot = requests.insert(work, name, file)
        let shortage = work.needsMemory ? process.shortage(.memoryShortage, [ENOMEM]) : 0
        if shortage != 0 {
            complete(slot, -shortage)
        } else if case .splice(_, _, _, _, true) = work {
            // What it is linked to may be over already, and have failed.
            guard former >= 0 else {
                complete(slot, -ECANCELED)
                return -1
            }
            requests[former].next = slot
            requests[slot].isBehind = true
        } else {
            attempt(slot)
        }
        return requests[slot].isUnderWay ? slot : -1
    }

    /// Tries a request. It completes, brings something and goes on, or waits for its descriptor.
    func attempt(_ slot: Int) {
        switch requests[slot].work {
        case .once(let operation): attempt(slot, operation)
        case .accept(_, let isMultishot, let waits): accept(slot, isMultishot, waits)
        case .receive(_, let receive): self.receive(slot, receive)
        case .receiveDatagrams(_, let reception, let isMultishot):
            receiveDatagrams(slot, reception, isMultishot)
        case .poll(_, let events, let isMultishot): poll(slot, events, isMultishot)
        case .splice(let from, let to, let offset, let count, _): splice(slot, from, to, offset, count)
        case .readWakeUps: readWakeUps(slot)
        case .cancel, .cancelAll: preconditionFailure("a cancel is no request that waits")
        }
    }

    private func attempt(_ slot: Int, _ operation: IOOperation) {
        switch operation {
        case .acceptOnce(_, let address): acceptOnce(slot, address)
        case .connect(let socket, let address): connect(slot, socket, address)
        case .receiveInto(_, let room), .pipeReadInto(_, let room): finish(slot, file(slot).read(into: room))
        case .receiveMessage(_, let message): finish(slot, process.receiveMessage(file(slot), message))
        case .send(_, let bytes), .sendNow(_, let bytes): complete(slot, Int32(file(slot).write(bytes)))
        case .sendMessage(_, let message), .sendMessageNow(_, let message):
            complete(slot, Int32(process.sendMessage(file(slot), message)))
        case .pipeWrite(_, let bytes): finish(slot, file(slot).write(bytes))
        case .pipeWriteVector(_, let message): finish(slot, process.sendMessage(file(slot), message))
        case .waitForChild(let pid): waitForChild(slot, pid)
        case .close(let descriptor), .closeFile(let descriptor): complete(slot, -process.close(descriptor))
        case .openFile, .readFile, .writeFile, .synchronizeFile, .fileStatus: performLater(slot, operation)
        case .accept, .receive, .receiveOnce, .receiveDatagrams, .pipeRead, .waitUntilReadable,
            .waitUntilWritable, .waitForHangUp, .sendFile, .watch:
            preconditionFailure("an operation of several requests")
        }
    }

    private func file(_ slot: Int) -> OpenFile {
        guard let file = requests[slot].file else { preconditionFailure("a request without its file") }
        return file
    }

    /// A single transfer: it is over, unless it has to wait.
    private func finish(_ slot: Int, _ result: Int) {
        guard result == -Int(EAGAIN) else { return complete(slot, Int32(result)) }
        // Somebody else was faster, after the kernel had waited.
        let isPipe = requests[slot].file is PipeEnd
        if isPipe, requests[slot].isWatching, world.choices.happens(.spuriousReadiness) {
            return complete(slot, -EAGAIN)
        }
        watch(slot)
    }

    /// The last completion of a request.
    func complete(_ slot: Int, _ result: Int32, _ flags: UInt32 = 0) {
        if requests[slot].held != nil { workerCount -= 1 }
        let (name, next) = (requests[slot].name, requests[slot].next)
        var wasWhole = false
        if case .splice(_, _, _, let count, _) = requests[slot].work { wasWhole = Int(result) == count }
        letGo(slot)
        requests.end(slot)
        postLast(name, result, flags)
        guard next >= 0 else { return }
        requests[next].isBehind = false
        if wasWhole { attempt(next) } else { complete(next, -ECANCELED) }
    }

    /// Brings something. Returns whether the request goes on.
    private func bring(_ slot: Int, _ result: Int32, _ flags: UInt32 = 0) -> Bool {
        if !world.choices.happens(.ringMoods), post(slot, result, flags) { return true }
        complete(slot, result, flags)
        return false
    }

    // MARK: - Connections

    private func accept(_ slot: Int, _ isMultishot: Bool, _ waits: Bool) {
        while true {
            switch process.accept(file(slot)) {
            case .success(let accepted):
                let descriptor = accepted.descriptor.rawValue
                guard isMultishot else { return complete(slot, descriptor) }
                guard bring(slot, descriptor) else { return }
            case .failure(let failure):
                if failure.errno != EAGAIN || !waits { complete(slot, -failure.errno) } else { watch(slot) }
                return
            }
        }
    }

    private func acceptOnce(_ slot: Int, _ address: UnsafeMutablePointer<KernelAddress>) {
        switch process.accept(file(slot)) {
        case .success(let accepted):
            // The operation's own memory, until its completion.
            if let form = try? accepted.socket.remote?.kernelForm() { address.pointee = form }
            complete(slot, accepted.descriptor.rawValue)
        case .failure(let failure): finish(slot, -Int(failure.errno))
        }
    }

    private func connect(
        _ slot: Int,
        _ socket: FileDescriptor,
        _ address: UnsafeMutablePointer<KernelAddress>
    ) {
        if let stream = requests[slot].file as? StreamSocket, stream.state == .unconnected,
            stream.pendingError != 0
        {
            // How the attempt before has ended.
            return complete(slot, -stream.takeError())
        }
        let bytes = UnsafeRawBufferPointer(start: address, count: Int(address.pointee.length))
        guard let target = SocketAddress(kernelForm: bytes) else { return complete(slot, -EAFNOSUPPORT) }
        let error = process.connect(file(slot), to: target)
        switch error {
        case EISCONN where requests[slot].hasBegun: complete(slot, 0)
        case EINPROGRESS, EALREADY:
            requests[slot].hasBegun = true
            if nature.connectReturnsEarly { complete(slot, -error) } else { watch(slot) }
        case EAGAIN where target.family == .unix: delay(slot, Self.connectRetry)
        default: complete(slot, -error)
        }
    }

    // MARK: - Bytes

    private func receive(_ slot: Int, _ receive: RingReceive) {
        if requests[slot].held != nil { return receiveIntoHeld(slot, receive) }
        let buffers = buffers(receive.group)
        for _ in 0..<Self.runMax {
            guard let room = buffers.room else { return complete(slot, -ENOBUFS) }
            let limit = receive.piece > 0 ? min(receive.piece, room.count) : room.count
            let count = file(slot).read(into: .init(rebasing: room[..<limit]))
            guard count > 0 else { return nothingCame(slot, count, receive) }
            let flags = buffers.take(count)
            requests[slot].brought += count
            guard receive.isMultishot, requests[slot].brought < receive.share else {
                return complete(slot, Int32(count), flags)
            }
            guard bring(slot, Int32(count), flags) else { return }
        }
        queue(slot)
    }

    private func nothingCame(_ slot: Int, _ result: Int, _ receive: RingReceive) {
        let buffers = buffers(receive.group)
        guard result == -Int(EAGAIN) else {
            switch nature.emptyBuffer {
            case .unnamed: return complete(slot, Int32(result))
            case .handedOver where !buffers.area.isIncremental:
                return complete(slot, Int32(result), buffers.takeAll())
            case .named, .handedOver: return complete(slot, Int32(result), buffers.nameOfFirst)
            }
        }
        guard receive.waits else { return complete(slot, -EAGAIN) }
        // What ends with one completion may get to a thread, which takes its buffer before there is anything.
        let asksForAll = receive.piece == 0 || !buffers.area.isIncremental
        if !receive.isMultishot, asksForAll, requests[slot].isWatching, workerCount < Self.workersMax,
            workerCount < buffers.area.count / 2, world.choices.happens(.ringMoods)
        {
            workerCount += 1
            requests[slot].held = buffers.room
            requests[slot].nameOfHeld = buffers.takeAll()
        }
        finish(slot, result)
    }

    /// A thread's receive, whose buffer goes with it whatever comes.
    private func receiveIntoHeld(_ slot: Int, _ receive: RingReceive) {
        guard let room = requests[slot].held else { preconditionFailure("a thread without its buffer") }
        let limit = receive.piece > 0 ? min(receive.piece, room.count) : room.count
        let count = file(slot).read(into: .init(rebasing: room[..<limit]))
        if count == -Int(EAGAIN) { return watch(slot) }
        complete(slot, Int32(count), requests[slot].nameOfHeld)
    }

    private func receiveDatagrams(
        _ slot: Int,
        _ reception: UnsafeMutablePointer<DatagramReception>,
        _ isMultishot: Bool
    ) {
        guard let socket = file(slot) as? DatagramSocket else { return complete(slot, -ENOTSOCK) }
        let buffers = buffers(.datagrams)
        for _ in 0..<Self.runMax {
            guard let room = buffers.room else { return complete(slot, -ENOBUFS) }
            switch socket.receive() {
            case .failure(let failure): return finish(slot, -Int(failure.errno))
            case .success(let datagram):
                guard isMultishot else {
                    let count = DatagramForm.fill(reception.headerPointer, room, datagram)
                    return complete(slot, Int32(count), buffers.take(count))
                }
                let count = DatagramForm.fill(room, reception.pointee, datagram)
                guard bring(slot, Int32(count), buffers.take(count)) else { return }
            }
        }
        queue(slot)
    }

    // MARK: - Waiting

    private func poll(_ slot: Int, _ events: Int32, _ isMultishot: Bool) {
        let found = file(slot).pollEvents & (events | Self.always)
        guard found != 0 else { return watch(slot) }
        guard isMultishot else { return complete(slot, found) }
        if bring(slot, found) { watch(slot) }
    }

    private func waitForChild(_ slot: Int, _ pid: Int32) {
        guard let child = process.children.first(where: { $0.pid == pid }) else {
            return complete(slot, -ECHILD)
        }
        guard child.isAlive else { return complete(slot, 0) }
        guard !requests[slot].hasBegun else { return }
        requests[slot].hasBegun = true
        let generation = requests[slot].generation
        child.whenEnded { [weak self] in self?.retry(slot, generation) }
    }

    // MARK: - Files

    /// A disk takes its time.
    private func takesTime(_ slot: Int) -> Bool {
        guard !requests[slot].hasBegun else { return false }
        requests[slot].hasBegun = true
        let isSlow = world.choices.happens(.slowWork)
        let time = isSlow ? world.choices.amount(of: .slowWork, within: 1_000...10_000_000) : 50_000
        delay(slot, time + world.workLatency)
        return true
    }

    private func performLater(_ slot: Int, _ operation: IOOperation) {
        if takesTime(slot) { return }
        switch operation {
        case .openFile(let path, let flags, let mode):
            complete(slot, process.openFile(path, flags: flags, mode: mode))
        case .readFile(let file, let room, let offset):
            complete(slot, process.readFile(file, room, at: offset))
        case .writeFile(let file, let bytes, let offset):
            complete(slot, process.writeFile(file, bytes, at: offset))
        case .synchronizeFile(let file, _): complete(slot, process.synchronizeFile(file))
        case .fileStatus(let file, let memory): complete(slot, process.fileStatus(file, memory))
        default: preconditionFailure("not an operation on a file")
        }
    }

    private func splice(
        _ slot: Int,
        _ from: FileDescriptor,
        _ to: FileDescriptor,
        _ offset: Int64,
        _ count: Int
    ) {
        if takesTime(slot) { return }
        guard offset < 0 else {
            return complete(slot, Int32(process.sendFile(to, from, at: offset, count: count)))
        }
        guard let pipe = process.file(from) as? PipeEnd else { return complete(slot, -EBADF) }
        let result = pipe.move(count, to: file(slot))
        // The thread waits for room a while, and is told when it comes.
        if result == -Int(EAGAIN), !requests[slot].isWatching {
            watch(slot)
            return delay(slot, 20_000_000)
        }
        complete(slot, Int32(result))
    }

}
