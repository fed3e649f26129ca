import Glibc
import Proactor
import SystemPackage

/// What each operation comes to.
extension SimulatedRing {
    /// What a receive brings at most, in bytes.
    private static let receiveMax = 64 * 1024
    private static let sendFilePiece: Int64 = 64 * 1024
    private static let connectRetry: Int64 = 1_000_000

    /// Tries an operation. It completes, brings something and goes on, or waits for its descriptor.
    func attempt(_ slot: Int) {
        let operation = slots[slot].operation
        switch operation {
        case .accept(let listener, let oneByOne): accept(slot, listener, oneByOne)
        case .acceptOnce(let listener, let address): acceptOnce(slot, listener, address)
        case .connect(let socket, let address): connect(slot, socket, address)
        case .receive(let descriptor), .pipeRead(let descriptor): receive(slot, descriptor)
        case .receiveOnce(let descriptor, let maxCount): receiveOnce(slot, descriptor, Int(maxCount))
        case .receiveInto(let descriptor, let room), .pipeReadInto(let descriptor, let room):
            finish(slot, process.file(descriptor)?.read(into: room) ?? -Int(EBADF))
        case .receiveMessage(let descriptor, let message):
            finish(slot, process.receiveMessage(descriptor, message))
        case .send(let descriptor, let bytes), .pipeWrite(let descriptor, let bytes):
            finish(slot, process.file(descriptor)?.write(bytes) ?? -Int(EBADF))
        case .sendNow(let descriptor, let bytes):
            complete(slot, Int32(process.file(descriptor)?.write(bytes) ?? -Int(EBADF)))
        case .sendMessage(let descriptor, let message), .pipeWriteVector(let descriptor, let message):
            finish(slot, process.sendMessage(descriptor, message))
        case .sendMessageNow(let descriptor, let message):
            complete(slot, Int32(process.sendMessage(descriptor, message)))
        case .receiveDatagrams(let descriptor, _): receiveDatagram(slot, descriptor)
        case .waitUntilReadable(let descriptor): waitUntil(slot, descriptor, [.read, .hangUp])
        case .waitUntilWritable(let descriptor): waitUntil(slot, descriptor, [.write, .hangUp])
        case .waitForHangUp(let descriptor): waitUntil(slot, descriptor, .hangUp)
        case .waitForChild(let pid): waitForChild(slot, pid)
        case .close(let descriptor), .closeFile(let descriptor):
            complete(slot, -process.close(descriptor))
        case .openFile, .readFile, .writeFile, .synchronizeFile, .fileStatus: performLater(slot, operation)
        case .sendFile(let transfer): sendFile(slot, transfer)
        case .watch(let descriptor, let side): watch(slot, descriptor, side)
        }
    }

    /// A single transfer: it is over, unless it has to wait.
    private func finish(_ slot: Int, _ result: Int) {
        if result != -Int(EAGAIN) { complete(slot, Int32(result)) } else { takeErrors(slot) }
    }

    /// Errors in a queue keep a descriptor ready until their owner takes them.
    private func takeErrors(_ slot: Int) {
        guard let descriptor = slots[slot].operation.descriptor,
            let socket = process.file(descriptor) as? DatagramSocket, !socket.queuedErrors.isEmpty
        else { return }
        _ = slots[slot].owner?.takeQueuedErrors()
    }

    /// Something came, and more may come.
    private func bring(_ slot: Int, _ completion: Collected) {
        collected.append(completion)
        queue(slot)
    }

    private func collected(_ slot: Int, _ result: Int, bytes: Range<Int> = 0..<0) -> Collected {
        Collected(
            slot: slot,
            generation: slots[slot].generation,
            result: Int32(result),
            isFinal: false,
            bytes: bytes
        )
    }

    // MARK: - Connections

    private func accept(_ slot: Int, _ listener: FileDescriptor, _ oneByOne: Bool) {
        repeat {
            switch process.accept(listener) {
            case .success(let accepted):
                var completion = collected(slot, Int(accepted.descriptor.rawValue))
                completion.source = accepted.socket.remote
                bring(slot, completion)
            case .failure(let failure):
                if failure.errno != EAGAIN { complete(slot, -failure.errno) }
                return
            }
        } while !oneByOne
    }

    private func acceptOnce(
        _ slot: Int,
        _ listener: FileDescriptor,
        _ address: UnsafeMutablePointer<KernelAddress>
    ) {
        switch process.accept(listener) {
        case .success(let accepted):
            // The operation's own memory, until its completion.
            if let form = try? accepted.socket.remote?.kernelForm() { address.pointee = form }
            complete(slot, accepted.descriptor.rawValue)
        case .failure(let failure):
            if failure.errno != EAGAIN { complete(slot, -failure.errno) }
        }
    }

    private func connect(
        _ slot: Int,
        _ socket: FileDescriptor,
        _ address: UnsafeMutablePointer<KernelAddress>
    ) {
        let bytes = UnsafeRawBufferPointer(start: address, count: Int(address.pointee.length))
        if slots[slot].hasBegun, let stream = process.file(socket) as? StreamSocket,
            stream.state == .unconnected
        {
            return complete(slot, -stream.takeError())
        }
        guard let target = SocketAddress(kernelForm: bytes) else { return complete(slot, -EAFNOSUPPORT) }
        let error = process.connect(socket, to: target)
        switch error {
        case 0, EISCONN: complete(slot, 0)
        case EINPROGRESS, EALREADY: slots[slot].hasBegun = true
        case EAGAIN where target.family == .unix: delay(slot, Self.connectRetry)
        default: complete(slot, -error)
        }
    }

    // MARK: - Bytes

    /// Room in the arena; `nil` when there is none, as when a ring has no buffer left.
    private func room(_ limit: Int) -> UnsafeMutableRawBufferPointer? {
        let count = min(limit, arena.count - arenaUsed)
        guard count > 0 else { return nil }
        return UnsafeMutableRawBufferPointer(rebasing: arena[arenaUsed..<arenaUsed + count])
    }

    private func takeRoom(_ count: Int) -> Range<Int> {
        defer { arenaUsed += count }
        return arenaUsed..<arenaUsed + count
    }

    private func receive(_ slot: Int, _ descriptor: FileDescriptor) {
        guard let room = room(Self.receiveMax) else { return queue(slot) }
        let count = process.file(descriptor)?.read(into: room) ?? -Int(EBADF)
        guard count > 0 else { return finish(slot, count) }
        bring(slot, collected(slot, count, bytes: takeRoom(count)))
    }

    private func receiveOnce(_ slot: Int, _ descriptor: FileDescriptor, _ maxCount: Int) {
        guard let room = room(maxCount) else { return queue(slot) }
        let count = process.file(descriptor)?.read(into: room) ?? -Int(EBADF)
        guard count > 0 else { return finish(slot, count) }
        complete(slot, Int32(count), bytes: takeRoom(count))
    }

    private func receiveDatagram(_ slot: Int, _ descriptor: FileDescriptor) {
        guard let socket = process.file(descriptor) as? DatagramSocket else {
            return complete(slot, -ENOTSOCK)
        }
        guard let room = room(datagramSizeMax), room.count == datagramSizeMax else { return queue(slot) }
        switch socket.receive() {
        case .failure(let failure):
            finish(slot, -Int(failure.errno))
        case .success(let datagram):
            let count = min(datagram.bytes.count, room.count)
            datagram.bytes.withUnsafeBytes { room.copyMemory(from: .init(rebasing: $0[..<count])) }
            var completion = collected(slot, count, bytes: takeRoom(count))
            completion.source = datagram.source
            completion.isTruncated = count < datagram.bytes.count
            bring(slot, completion)
        }
    }

    // MARK: - Waiting

    private func waitUntil(_ slot: Int, _ descriptor: FileDescriptor, _ wanted: Readiness) {
        guard let file = process.file(descriptor) else { return complete(slot, -EBADF) }
        guard !file.readiness.isDisjoint(with: wanted) else { return }
        if let socket = file as? DatagramSocket, !socket.queuedErrors.isEmpty, wanted != [.read, .hangUp] {
            // Errors in a queue are no room, and no hang-up.
            guard !(slots[slot].owner?.takeQueuedErrors() ?? false), !file.hasOnlyErrors else { return }
        }
        complete(slot, 1)
    }

    private func watch(_ slot: Int, _ descriptor: FileDescriptor, _ side: Readiness) {
        guard let file = process.file(descriptor) else { return complete(slot, -EBADF) }
        guard !file.readiness.isDisjoint(with: [side, .hangUp]) else { return }
        bring(slot, collected(slot, 0))
    }

    private func waitForChild(_ slot: Int, _ pid: Int32) {
        guard let child = process.children.first(where: { $0.pid == pid }) else {
            return complete(slot, -ECHILD)
        }
        guard child.isAlive else { return complete(slot, 0) }
        guard !slots[slot].hasBegun else { return }
        slots[slot].hasBegun = true
        let generation = slots[slot].generation
        child.whenEnded { [weak self] in self?.retry(slot, generation) }
    }

    // MARK: - Files

    /// A disk takes its time.
    private func performLater(_ slot: Int, _ operation: IOOperation) {
        guard slots[slot].hasBegun else {
            slots[slot].hasBegun = true
            let isSlow = world.choices.happens(.slowWork)
            let time = isSlow ? world.choices.amount(of: .slowWork, within: 1_000...10_000_000) : 50_000
            return delay(slot, time + world.workLatency)
        }
        switch operation {
        case .openFile(let path, let flags, let mode):
            complete(slot, process.openFile(path, flags: flags, mode: mode))
        case .readFile(let file, let room, let offset):
            finish(slot, Int(process.readFile(file, room, at: offset)))
        case .writeFile(let file, let bytes, let offset):
            finish(slot, Int(process.writeFile(file, bytes, at: offset)))
        case .synchronizeFile(let file, _): complete(slot, process.synchronizeFile(file))
        case .fileStatus(let file, let memory): complete(slot, process.fileStatus(file, memory))
        default: preconditionFailure("not an operation on a file")
        }
    }

    private func sendFile(_ slot: Int, _ transfer: UnsafeMutablePointer<FileTransfer>) {
        let count = min(transfer.pointee.unread, Self.sendFilePiece)
        guard count > 0 else { return complete(slot, 0) }
        let (socket, file) = (transfer.pointee.socket, transfer.pointee.file)
        let result = process.sendFile(socket, file, at: transfer.pointee.offset, count: Int(count))
        guard result > 0 else { return finish(slot, result) }
        transfer.pointee.didSend(Int64(result))
        if transfer.pointee.unread == 0 { complete(slot, 0) } else { queue(slot) }
    }
}
