import Glibc
import SystemPackage

/// Sending files: the kernel moves pages from the file into a pipe and from there to the socket, on threads of its own, and
/// this thread only says so.
///
/// A blocking socket whose peer does not read would hold such a thread for as long, and the kernel starts only a few. So the
/// socket's sends are given up after a short time without progress, and a poll, which needs no thread, waits in their place.
extension UringBackend {
    private static let sendTimeoutMicroseconds: Int64 = 20_000

    /// Lends a transfer what it needs. False when there is no pipe to be had: the operation is over then.
    func equip(_ transfer: UnsafeMutablePointer<FileTransfer>, token: OperationToken) -> Bool {
        do {
            transfer.pointee.pipe = try pipes.take()
        } catch {
            endWithoutKernel(token, error)
            return false
        }
        let socket = transfer.pointee.socket
        // What is not a socket says so when it is written to.
        transfer.pointee.formerSendTimeout = try? system.exchangeSendTimeout(
            of: socket,
            microseconds: Self.sendTimeoutMicroseconds
        )
        return true
    }

    /// Takes it back, when no step is in flight.
    func unequip(_ transfer: UnsafeMutablePointer<FileTransfer>) {
        precondition(transfer.pointee.stepsInFlight == 0, "a pipe was taken from under the kernel")
        restoreSendTimeout(of: transfer)
        guard let pipe = transfer.pointee.pipe else { return }
        transfer.pointee.pipe = nil
        pipes.giveBack(pipe, isEmpty: transfer.pointee.bytesInPipe == 0)
    }

    func restoreSendTimeout(of transfer: UnsafeMutablePointer<FileTransfer>) {
        guard let former = transfer.pointee.formerSendTimeout else { return }
        transfer.pointee.formerSendTimeout = nil
        // The connection may be gone, and with it the socket's options.
        _ = try? system.exchangeSendTimeout(of: transfer.pointee.socket, microseconds: former)
    }

    /// One of a transfer's steps is over; when all that were submitted together are, the next ones follow.
    func transferStepCompleted(
        _ completion: RingCompletion,
        _ record: UnsafeMutablePointer<OperationTable.Record>,
        token: OperationToken
    ) {
        guard case .sendFile(let transfer) = record.pointee.operation else {
            preconditionFailure("a step of a transfer completed an operation of another kind")
        }
        let step = OperationToken(rawValue: completion.user_data).kind
        if step == .sendFileWait, waitsOn(completion, record, for: transfer.pointee.socket, token: token) {
            return
        }
        // An error ends the wait before there is room, for as long as it is not read.
        if step == .sendFileWait, completion.result > 0, completion.result & POLLERR != 0 {
            takeQueuedErrors(record)
        }
        transfer.pointee.stepCompleted(step, completion.result)
        guard transfer.pointee.stepsInFlight == 0 else { return }
        guard let result = transfer.pointee.result(isCancelled: record.pointee.state == .cancelling) else {
            return rearm(record, token: token)
        }
        unequip(transfer)
        finish(token, result, .init(start: nil, count: 0))
    }

    /// Whether a transfer's wait for room goes on, since it has found nothing yet but that the peer has ended its sending.
    private func waitsOn(
        _ completion: RingCompletion,
        _ record: UnsafeMutablePointer<OperationTable.Record>,
        for socket: FileDescriptor,
        token: OperationToken
    ) -> Bool {
        guard !completion.hasMore else {
            roomMayHaveCome(completion, record, token: token)
            return true
        }
        guard record.pointee.state == .inFlight, completion.tellsOnlyOfPeersEnd else { return false }
        return ring.prepareWaitForRoom(of: socket, token: token.named(.sendFileWait))
    }
}
