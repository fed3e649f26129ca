import Glibc
import SystemPackage

/// A stretch of a file on its way to a socket: what is to be done, and how far it has come. It is the memory of
/// ``IOOperation/sendFile(_:)``.
package struct FileTransfer {
    package let socket: FileDescriptor
    package let file: FileDescriptor
    /// Where in the file the backend reads next, in bytes.
    package var offset: Int64
    /// How many bytes are still to be read; the file may end before.
    package var unread: Int64
    /// How many bytes the socket has taken.
    private(set) var sent: Int64 = 0
    /// Whether it is the file, and not the socket, that the operation's error is about.
    private(set) var isFileAtFault = false

    // MARK: A ring's steps

    /// Lent by the backend while the operation lives.
    package var pipe: TransferPipe?
    /// The socket's own limit for a send that makes no progress, in microseconds, to be set again.
    var formerSendTimeout: Int64?
    /// What the pipe holds: read from the file, and not taken by the socket.
    package private(set) var bytesInPipe = 0
    /// Steps that the kernel has.
    package var stepsInFlight: UInt8 = 0
    /// Whether the socket's buffer was full.
    package private(set) var waitsForSocket = false
    private var sawEnd = false
    /// The first error, as minus errno.
    private var failure: Int32 = 0

    init(socket: FileDescriptor, file: FileDescriptor, offset: Int64, count: Int64) {
        precondition(offset >= 0 && count >= 0, "no stretch of a file")
        self.socket = socket
        self.file = file
        self.offset = offset
        unread = count
    }

    /// Counts bytes that went from the file to the socket in one step.
    package mutating func didSend(_ count: Int64) {
        offset += count
        unread -= count
        sent += count
    }

    /// How much to put into the pipe next.
    package var nextFill: Int {
        guard let pipe else { return 0 }
        // Each page of the file takes a place in the pipe, also one of which only a part is wanted: without this, the first
        // fill would be short, and a short one cancels what is linked to it.
        let pageSize = Int64(TransferPipe.pageSize)
        let inFirstPage = Int(offset % pageSize)
        let room = pipe.capacity > TransferPipe.pageSize ? pipe.capacity - inFirstPage : pipe.capacity
        return Int(min(Int64(room), unread))
    }

    /// Takes note of what became of a step; others may still be in flight.
    mutating func stepCompleted(_ kind: OperationKind?, _ result: Int32) {
        precondition(stepsInFlight > 0, "a step of a file's transfer ended twice")
        stepsInFlight -= 1
        switch kind {
        case .sendFileFill: filled(result)
        case .sendFile: drained(result)
        case .sendFileWait: waited(result)
        default: preconditionFailure("not a step of a file's transfer")
        }
    }

    private mutating func filled(_ result: Int32) {
        switch result {
        case 1...:
            offset += Int64(result)
            unread -= Int64(result)
            bytesInPipe += Int(result)
        case 0:
            sawEnd = true
        case -EINTR, -EAGAIN, -ECANCELED:
            break
        default:
            fail(result, isFileAtFault: true)
        }
    }

    private mutating func drained(_ result: Int32) {
        switch result {
        case 1...:
            sent += Int64(result)
            bytesInPipe -= Int(result)
        case -EINTR, -ECANCELED:
            // Cancelled also when the fill that it is linked to was short.
            break
        case -EAGAIN:
            waitsForSocket = true
        case 0:
            // Bytes were in the pipe and none went out: a socket that takes nothing would be asked for ever.
            if bytesInPipe > 0 { fail(-EPIPE, isFileAtFault: false) }
        default:
            fail(result, isFileAtFault: false)
        }
    }

    private mutating func waited(_ result: Int32) {
        waitsForSocket = false
        // A cancelled wait ends the whole; an interrupted one is followed by an attempt, which waits again if it must.
        if result < 0, result != -EINTR, result != -ECANCELED { fail(result, isFileAtFault: false) }
    }

    private mutating func fail(_ result: Int32, isFileAtFault: Bool) {
        guard failure == 0 else { return }
        failure = result
        self.isFileAtFault = isFileAtFault
    }

    /// The operation's result when nothing is left to do; `nil` when there is.
    func result(isCancelled: Bool) -> Int32? {
        if failure != 0 { return failure }
        if bytesInPipe == 0, sawEnd || unread == 0 { return 0 }
        return isCancelled ? -ECANCELED : nil
    }
}

/// A ``FileTransfer`` at a fixed place, for an operation to work on.
final class FileTransferMemory {
    let pointer: UnsafeMutablePointer<FileTransfer>

    init(_ transfer: FileTransfer) {
        pointer = .allocate(capacity: 1)
        pointer.initialize(to: transfer)
    }

    deinit {
        // The operation keeps this object until its final completion, so the backend is done with the memory.
        pointer.deinitialize(count: 1)
        pointer.deallocate()
    }
}
