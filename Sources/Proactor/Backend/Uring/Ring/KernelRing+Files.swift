import CPosix
import CUring
import Glibc
import SystemPackage

extension KernelRing {
    /// Operations on files; see ``prepare(_:token:)``.
    func prepareOnFile(_ operation: IOOperation, token: OperationToken) -> Bool {
        let name = token.rawValue
        switch operation {
        case .openFile(let path, let flags, let mode):
            return curing_prepare_open(ring, path, flags | O_CLOEXEC, mode, name)
        case .readFile(let file, let target, let offset):
            let count = Self.length(target.count)
            return curing_prepare_read(ring, file.rawValue, target.baseAddress, count, offset, name)
        case .writeFile(let file, let bytes, let offset):
            let count = Self.length(bytes.count)
            return curing_prepare_write(ring, file.rawValue, bytes.baseAddress, count, offset, name)
        case .synchronizeFile(let file, let dataOnly):
            return curing_prepare_fsync(ring, file.rawValue, dataOnly, name)
        case .fileStatus(let file, let memory):
            return curing_prepare_statx(ring, file.rawValue, UInt32(CPOSIX_STATUS_MASK), memory, name)
        case .sendFile(let transfer):
            return prepareStep(of: transfer, token: token)
        default:
            preconditionFailure("not an operation on a file")
        }
    }

    /// The next step of a file's way through a pipe: a wait for the socket, what is left in the pipe, or a pipe's fill and,
    /// linked to it, the sending of that.
    private func prepareStep(of transfer: UnsafeMutablePointer<FileTransfer>, token: OperationToken) -> Bool {
        guard let pipe = transfer.pointee.pipe else { preconditionFailure("a file is sent without a pipe") }
        let socket = transfer.pointee.socket.rawValue
        if transfer.pointee.waitsForSocket {
            let name = token.named(.sendFileWait).rawValue
            guard curing_prepare_poll(ring, socket, UInt32(POLLOUT), false, name) else { return false }
            transfer.pointee.stepsInFlight = 1
            return true
        }
        var drain = curing_splice(
            from: pipe.output.rawValue,
            to: socket,
            from_offset: -1,
            count: UInt32(transfer.pointee.bytesInPipe),
            user_data: token.rawValue
        )
        guard transfer.pointee.bytesInPipe == 0 else {
            guard curing_prepare_splices(ring, &drain, 1) else { return false }
            transfer.pointee.stepsInFlight = 1
            return true
        }
        let count = UInt32(transfer.pointee.nextFill)
        drain.count = count
        let fill = curing_splice(
            from: transfer.pointee.file.rawValue,
            to: pipe.input.rawValue,
            from_offset: transfer.pointee.offset,
            count: count,
            user_data: token.named(.sendFileFill).rawValue
        )
        // A queue of one entry never has room for both: there they go one after the other.
        let moves = features.submissionQueueSize > 1 ? [fill, drain] : [fill]
        guard curing_prepare_splices(ring, moves, UInt32(moves.count)) else { return false }
        transfer.pointee.stepsInFlight = UInt8(moves.count)
        return true
    }
}
