import Glibc
import SystemPackage

/// The calls that operations come down to.
extension SelectorBackend {
    /// Connections that one readiness of a listener may bring, so that a flood of them does not hold up the rest.
    private static let acceptsMax = 64
    /// What one transfer of a file may send in a turn: about a tenth of a millisecond's work, so that a fast receiver does not
    /// hold up the rest either.
    private static let sendFileTurnBytes: Int64 = 512 * 1024
    /// Datagrams that one readiness of a socket may bring, for the same reason.
    private static let datagramsMax = 64

    /// An operation's first step, within its submission: the owner is not called.
    func begin(_ operation: IOOperation, _ token: OperationToken) {
        switch operation {
        case .accept(let descriptor, _), .receive(let descriptor), .receiveDatagrams(let descriptor, _),
            .pipeRead(let descriptor), .waitUntilReadable(let descriptor):
            wait(descriptor.rawValue, .read, token)
        case .waitForHangUp(let descriptor):
            wait(descriptor.rawValue, .hangUp, token)
        case .waitUntilWritable(let descriptor):
            wait(descriptor.rawValue, .write, token)
        case .sendNow, .sendMessageNow:
            complete(token, transfer(operation))
        case .receiveOnce, .receiveInto, .receiveMessage:
            tryLater(token)
        case .watch(let descriptor, let side):
            wait(descriptor.rawValue, side, token)
        case .acceptOnce(let descriptor, _):
            // Ready or not, a blocking listener can make an accept wait: the connection may be gone again.
            guard makeNonBlocking(descriptor, token) else { return }
            let result = transfer(operation)
            guard result == -EAGAIN else { return complete(token, result) }
            wait(descriptor.rawValue, .read, token)
        case .connect(let descriptor, let address):
            guard makeNonBlocking(descriptor, token) else { return }
            connect(descriptor.rawValue, address, token)
        case .close(let descriptor):
            complete(token, calls.close(descriptor.rawValue))
        case .send, .sendMessage, .pipeReadInto, .pipeWrite, .pipeWriteVector:
            let result = transfer(operation)
            guard result == -EAGAIN, let side = operation.side else { return complete(token, result) }
            wait(descriptor(of: operation), side, token)
        case .sendFile(let transfer):
            guard let result = sendPiece(of: transfer), result != -EAGAIN else {
                return wait(descriptor(of: operation), .write, token)
            }
            complete(token, result)
        case .waitForChild:
            preconditionFailure("a selector waits for a child by its descriptor")
        case .closeFile, .openFile, .readFile, .writeFile, .synchronizeFile, .fileStatus:
            preconditionFailure("a call that blocks was made on the loop's thread")
        }
    }

    private func descriptor(of operation: IOOperation) -> Int32 {
        guard let descriptor = operation.descriptor else {
            preconditionFailure("an operation without a descriptor cannot wait for one")
        }
        return descriptor.rawValue
    }

    /// An operation's next step, when its descriptor is ready. The operation may be over by now.
    func advance(_ token: OperationToken) {
        guard let record = table.find(token), record.pointee.state == .inFlight else { return }
        // The one that every message has, without the copy that a look at all of them takes.
        if token.isOf(.receive), case .receive(let descriptor) = record.pointee.operation {
            return receive(descriptor, token, record)
        }
        advance(record.pointee.operation, token, record)
    }

    private func receive(
        _ descriptor: FileDescriptor,
        _ token: OperationToken,
        _ record: UnsafeMutablePointer<OperationTable.Record>
    ) {
        let room = share
        let count = retryingInterrupts { calls.receive(descriptor.rawValue, room) }
        deliverReceived(count, of: room.count, token, record)
    }

    @inline(never)
    private func advance(
        _ operation: IOOperation,
        _ token: OperationToken,
        _ record: UnsafeMutablePointer<OperationTable.Record>
    ) {
        switch operation {
        case .receiveDatagrams(let descriptor, let reception):
            receiveDatagrams(descriptor.rawValue, reception, token, record)
        case .pipeRead(let descriptor):
            let room = share
            let count = retryingInterrupts { calls.read(descriptor.rawValue, room) }
            deliverReceived(count, of: room.count, token, record)
        case .waitUntilWritable(let descriptor) where system.hasOnlyErrors(descriptor):
            triedInVain(token)
        case .waitUntilReadable, .waitUntilWritable:
            finish(token, 1)
        case .waitForHangUp:
            // Errors in a queue look like a hang-up. Behind them there may be one, and then it is found next.
            if !takeQueuedErrors(record) { finish(token, 1) }
        case .accept(let descriptor, _):
            accept(descriptor.rawValue, token, record)
        case .receiveOnce(let descriptor, let maxCount):
            if !receiveOnce(descriptor.rawValue, Int(maxCount), token) { triedInVain(token) }
        case .watch(let descriptor, _):
            tellReady(descriptor.rawValue, token, record.pointee.owner)
        case .connect(let descriptor, let address):
            concludeConnect(descriptor.rawValue, address, token)
        case .acceptOnce, .receiveInto, .receiveMessage, .send, .sendMessage, .pipeReadInto, .pipeWrite,
            .pipeWriteVector:
            let result = transfer(operation)
            // Readiness is not completion: it waits on.
            if result > 0, token.bringsBytes { budget.spend(Int(result)) }
            if result != -EAGAIN { finish(token, result) } else { triedInVain(token) }
        case .sendFile(let transfer):
            guard let result = sendPiece(of: transfer) else { return record.pointee.vainTries = 0 }
            if result != -EAGAIN { finish(token, result) } else { triedInVain(token) }
        case .receive:
            preconditionFailure("a receive's token was another operation's")
        case .sendNow, .sendMessageNow, .close, .closeFile, .waitForChild, .openFile, .readFile, .writeFile,
            .synchronizeFile,
            .fileStatus:
            preconditionFailure("an operation became ready that does not wait for readiness")
        }
    }

    private func transfer(_ operation: IOOperation) -> Int32 {
        switch operation {
        case .acceptOnce(let descriptor, let address):
            acceptOne(descriptor.rawValue, address)
        case .receiveMessage(let descriptor, let message):
            retryingInterrupts { calls.receiveMessage(descriptor.rawValue, message) }
        case .receiveInto(let descriptor, let buffer):
            retryingInterrupts { calls.receive(descriptor.rawValue, buffer) }
        case .send(let descriptor, let bytes), .sendNow(let descriptor, let bytes):
            retryingInterrupts { calls.send(descriptor.rawValue, bytes) }
        case .sendMessage(let descriptor, let message), .sendMessageNow(let descriptor, let message):
            retryingInterrupts { calls.sendMessage(descriptor.rawValue, message) }
        case .pipeReadInto(let descriptor, let buffer):
            retryingInterrupts { calls.read(descriptor.rawValue, buffer) }
        case .pipeWrite(let descriptor, let bytes):
            retryingInterrupts { calls.write(descriptor.rawValue, bytes) }
        case .pipeWriteVector(let descriptor, let message):
            retryingInterrupts { calls.writeVector(descriptor.rawValue, message) }
        default:
            preconditionFailure("not a single transfer")
        }
    }

    /// False when it cannot be: then the operation has ended.
    private func makeNonBlocking(_ descriptor: FileDescriptor, _ token: OperationToken) -> Bool {
        do throws(Errno) {
            try system.adopt(descriptor)
            return true
        } catch {
            complete(token, -error.rawValue)
            return false
        }
    }

    private func tellReady(
        _ descriptor: Int32,
        _ token: OperationToken,
        _ owner: Unmanaged<CompletionOwner>?
    ) {
        // poll and select report a descriptor that was closed, each time; epoll forgets it.
        guard kind == .epoll || calls.isOpen(descriptor) else { return finish(token, -EBADF) }
        call(owner, Completion(token: token, result: 0, isFinal: false))
    }

    /// A receive's first attempt. It may be over by now.
    func tryReceiving(_ token: OperationToken) {
        guard let record = table.find(token), record.pointee.state == .inFlight else { return }
        record.pointee.isWaiting = false
        let operation = record.pointee.operation
        if case .receiveOnce(let descriptor, let maxCount) = operation {
            if receiveOnce(descriptor.rawValue, Int(maxCount), token) { return }
        } else {
            let result = transfer(operation)
            if result > 0 { budget.spend(Int(result)) }
            guard result == -EAGAIN else { return finish(token, result) }
        }
        wait(descriptor(of: operation), .read, token)
    }

    /// False when there is nothing yet.
    private func receiveOnce(_ descriptor: Int32, _ maxCount: Int, _ token: OperationToken) -> Bool {
        let room = UnsafeMutableRawBufferPointer(rebasing: receiveBuffer.prefix(maxCount))
        let count = retryingInterrupts { calls.receive(descriptor, room) }
        guard count != -EAGAIN else { return false }
        if Int(count) == receiveBuffer.count,
            isCutMessage(count, .receiveOnce(FileDescriptor(rawValue: descriptor), maxCount: Int32(maxCount)))
        {
            finish(token, -EMSGSIZE)
            return true
        }
        if count > 0 { budget.spend(Int(count)) }
        finish(token, count, bytes: received(count))
        return true
    }

    /// What a receive has put into the shared buffer, which is the next one's only after the owner was told.
    @inline(__always)
    private func received(_ count: Int32) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: receiveBuffer.baseAddress, count: max(Int(count), 0))
    }

    /// The room that an operation gets in the buffer: less than all of it only while the loop is short of time.
    private var share: UnsafeMutableRawBufferPointer {
        // At most the buffer's own size.
        UnsafeMutableRawBufferPointer(
            start: receiveBuffer.baseAddress,
            count: min(budget.share, receiveBuffer.count)
        )
    }

    /// Hands over what a receive or read has put into the buffer.
    private func deliverReceived(
        _ count: Int32,
        of room: Int,
        _ token: OperationToken,
        _ record: UnsafeMutablePointer<OperationTable.Record>
    ) {
        record.pointee.isSated = Int(count) == room
        guard count > 0 else { return count == -EAGAIN ? triedInVain(token) : finish(token, count) }
        budget.spend(Int(count))
        record.pointee.vainTries = 0
        call(
            record.pointee.owner,
            Completion(token: token, result: count, isFinal: false, bytes: received(count))
        )
    }

    private func receiveDatagrams(
        _ descriptor: Int32,
        _ reception: UnsafeMutablePointer<DatagramReception>,
        _ token: OperationToken,
        _ record: UnsafeMutablePointer<OperationTable.Record>
    ) {
        reception.useControlRoom(controlRoom)
        let owner = record.pointee.owner
        let share = budget.share
        record.pointee.isSated = true
        var receivedCount = 0
        for index in 0..<Self.datagramsMax where receivedCount < share {
            let count = retryingInterrupts { calls.receiveDatagram(descriptor, receiveBuffer, reception) }
            guard count != -EAGAIN else {
                if index == 0 { triedInVain(token) }
                table.find(token)?.pointee.isSated = false
                return
            }
            guard count >= 0 else { return finish(token, count) }
            // An empty one is work too.
            receivedCount += Int(max(count, 1))
            budget.spend(Int(max(count, 1)))
            if index == 0 { record.pointee.vainTries = 0 }
            call(owner, Completion(token: token, result: count, isFinal: false, bytes: received(count)))
            // The callback may have cancelled, or forked: what has not been received yet stays in the socket.
            guard process.isCurrent, let record = table.find(token), record.pointee.state == .inFlight else {
                return
            }
        }
    }

    private func accept(
        _ listener: Int32,
        _ token: OperationToken,
        _ record: UnsafeMutablePointer<OperationTable.Record>
    ) {
        let owner = record.pointee.owner
        var isInVain = true
        for _ in 0..<Self.acceptsMax {
            acceptedAddress.pointee.length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let result = calls.accept(listener, acceptedAddress)
            if result >= 0 {
                if isInVain { record.pointee.vainTries = 0 }
                isInVain = false
                deliverAccepted(result, token, owner)
                // The callback may have cancelled, or forked: what is still queued stays in the backlog.
                guard process.isCurrent, let record = table.find(token), record.pointee.state == .inFlight
                else { return }
                continue
            }
            if result == -EAGAIN { break }
            guard AcceptFailure.isAboutOneConnection(result) else { return finish(token, result) }
        }
        if isInVain { triedInVain(token) }
    }

    /// The next sound connection; -EAGAIN when there is none, or when too many were broken to go on now.
    private func acceptOne(_ listener: Int32, _ address: UnsafeMutablePointer<KernelAddress>) -> Int32 {
        for _ in 0..<Self.acceptsMax {
            let result = calls.accept(listener, address)
            guard result < 0, AcceptFailure.isAboutOneConnection(result) else { return result }
        }
        return -EAGAIN
    }

    private func deliverAccepted(
        _ descriptor: Int32,
        _ token: OperationToken,
        _ owner: Unmanaged<CompletionOwner>?
    ) {
        guard let owner else {
            // Nobody to give it to, and it must not leak.
            try? system.close(FileDescriptor(rawValue: descriptor))
            return
        }
        // The address stays until the next accept, which is after the call.
        let address = UnsafeRawBufferPointer(start: acceptedAddress, count: acceptedAddress.addressCount)
        call(owner, Completion(token: token, result: descriptor, isFinal: false, bytes: address))
    }

    /// Sends what one turn may send of a file; `nil` when it is to go on as soon as the socket is ready again, -EAGAIN when the
    /// socket took nothing.
    private func sendPiece(of transfer: UnsafeMutablePointer<FileTransfer>) -> Int32? {
        let count = min(Self.sendFileTurnBytes, transfer.pointee.unread)
        guard count > 0 else { return 0 }
        let (socket, file, offset) = (
            transfer.pointee.socket.rawValue, transfer.pointee.file.rawValue, transfer.pointee.offset
        )
        // The call has no flag of its own, and who shares the socket may have made it blocking since.
        do throws(Errno) { try system.adopt(transfer.pointee.socket) } catch { return -error.rawValue }
        let result = retryingInterrupts { calls.sendFile(socket, file, offset, Int(count)) }
        switch result {
        case 1...:
            transfer.pointee.didSend(Int64(result))
            return transfer.pointee.unread == 0 ? 0 : nil
        default:
            // Zero is the end of the file.
            return result
        }
    }

    private func retryingInterrupts(_ call: () -> Int32) -> Int32 {
        while true {
            let result = call()
            if result != -EINTR { return result }
        }
    }
}
