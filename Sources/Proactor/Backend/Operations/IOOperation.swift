import Glibc
import SystemPackage

/// What a backend can be asked to do. Every case is plain memory, and so is a table of them.
///
/// Memory behind a pointer belongs to the operation from submission until its final completion.
package enum IOOperation: BitwiseCopyable {
    /// Accept connections until cancelled. Each completion's result is a new descriptor. One by one, none is taken from the listener
    /// before the owner has been told of the last, and may cancel; otherwise a ring takes as many as there are.
    case accept(FileDescriptor, oneByOne: Bool = false)
    /// Accept one connection. The result is a new descriptor, and the peer's address is written behind the pointer, whose
    /// `length` says how much room there is. A selector makes the listener non-blocking.
    case acceptOnce(FileDescriptor, UnsafeMutablePointer<KernelAddress>)
    /// Connect. The result is zero.
    case connect(FileDescriptor, UnsafeMutablePointer<KernelAddress>)
    /// Receive into the backend's own buffers until end of stream, an error or a cancel. Each completion lends its bytes.
    case receive(FileDescriptor)
    /// Receive once into the backend's own buffers, at most so many bytes. The completion lends them; none are the end of
    /// the stream. For streams: those buffers have less room than a message may need, and the result is -EMSGSIZE then.
    case receiveOnce(FileDescriptor, maxCount: Int32)
    /// Receive once into the caller's memory. The result is the count, zero at end of stream.
    case receiveInto(FileDescriptor, UnsafeMutableRawBufferPointer)
    /// Receive once what a `msghdr` has room for. The result is the count; the kernel writes the rest into the `msghdr`.
    case receiveMessage(FileDescriptor, UnsafeMutablePointer<msghdr>)
    /// Send once. The result is the count, which may be short.
    case send(FileDescriptor, UnsafeRawBufferPointer)
    /// Send once, and do not wait for room: the result is the count, which may be short, or -EAGAIN when the kernel took nothing.
    case sendNow(FileDescriptor, UnsafeRawBufferPointer)
    /// Send once what a `msghdr` names. The result is the count, which may be short.
    case sendMessage(FileDescriptor, UnsafeMutablePointer<msghdr>)
    /// Send once what a `msghdr` names, and do not wait for room.
    case sendMessageNow(FileDescriptor, UnsafeMutablePointer<msghdr>)
    /// Receive datagrams into the backend's own buffers until an error or a cancel. Each completion lends the bytes of one,
    /// which may be none, and puts where it came from into the reception.
    case receiveDatagrams(FileDescriptor, UnsafeMutablePointer<DatagramReception>)
    /// Read from a pipe or terminal into the backend's own buffers until end of stream, an error or a cancel. Each
    /// completion lends its bytes. The descriptor must be non-blocking, as for the next three.
    case pipeRead(FileDescriptor)
    /// Read once from a pipe or terminal into the caller's memory. The result is the count, zero at end of stream.
    case pipeReadInto(FileDescriptor, UnsafeMutableRawBufferPointer)
    /// Write once to a pipe or terminal, without SIGPIPE. The result is the count, which may be short.
    case pipeWrite(FileDescriptor, UnsafeRawBufferPointer)
    /// The same with the vector of a `msghdr`.
    case pipeWriteVector(FileDescriptor, UnsafeMutablePointer<msghdr>)
    /// Wait until reading would not block, on any descriptor that can be polled. The result is positive.
    case waitUntilReadable(FileDescriptor)
    /// The same for writing.
    case waitUntilWritable(FileDescriptor)
    /// Wait until the other end is gone, on the reading side of a descriptor that is only written to. The result is
    /// positive, or zero when this kind of descriptor does not tell.
    case waitForHangUp(FileDescriptor)
    /// Wait until a child of this process has ended, which this does not reap. The result is zero, or minus ECHILD when there is
    /// no such child any more. Only where ``CompletionBackend/waitsForChildren``.
    case waitForChild(pid: Int32)
    /// Close. No operation may be in flight on the descriptor but those of a selector's own making.
    case close(FileDescriptor)
    /// The same of what may take its time about it and has nobody watch it: a file, which may have to be written back first, or
    /// a terminal, whose output goes out at the line's pace.
    case closeFile(FileDescriptor)
    /// Open the file at a path that ends with a zero. The result is a new descriptor.
    case openFile(UnsafePointer<CChar>, flags: Int32, mode: UInt32)
    /// Read once at an offset in bytes. The result is the count, which may be short; zero at the end of the file.
    case readFile(FileDescriptor, UnsafeMutableRawBufferPointer, offset: Int64)
    /// Write once at an offset in bytes. The result is the count, which may be short.
    case writeFile(FileDescriptor, UnsafeRawBufferPointer, offset: Int64)
    /// Have what was written reach the disk, with or without what does not matter for reading it back.
    case synchronizeFile(FileDescriptor, dataOnly: Bool)
    /// Fill the memory, of the size that `statx(2)` wants, with what the kernel knows of a file.
    case fileStatus(FileDescriptor, UnsafeMutableRawPointer)
    /// Send a stretch of a file to a socket. Zero when all of it was sent, or all there was; how far it came, whatever the
    /// result, stands in the memory.
    case sendFile(UnsafeMutablePointer<FileTransfer>)
    /// Complete, with nothing, whenever one side of the descriptor is ready, until cancelled. Level-triggered: as long as
    /// it stays ready, once a turn. An error or a hang-up counts as ready.
    case watch(FileDescriptor, Readiness)

    /// Whether it brings bytes without end, a share at a time.
    var takesShares: Bool {
        switch self {
        case .receive, .receiveDatagrams, .pipeRead: true
        default: false
        }
    }

    /// The operation's number in a token.
    package var kind: OperationKind {
        switch self {
        case .accept: .accept
        case .acceptOnce: .acceptOnce
        case .connect: .connect
        case .receive: .receive
        case .receiveOnce: .receiveOnce
        case .receiveInto: .receiveInto
        case .receiveMessage: .receiveMessage
        case .send: .send
        case .sendNow: .sendNow
        case .sendMessage: .sendMessage
        case .sendMessageNow: .sendMessageNow
        case .receiveDatagrams: .receiveDatagrams
        case .pipeRead: .pipeRead
        case .pipeReadInto: .pipeReadInto
        case .pipeWrite: .pipeWrite
        case .pipeWriteVector: .pipeWriteVector
        case .waitUntilReadable: .waitUntilReadable
        case .waitUntilWritable: .waitUntilWritable
        case .waitForHangUp: .waitForHangUp
        case .waitForChild: .waitForChild
        case .close: .close
        case .closeFile: .closeFile
        case .openFile: .openFile
        case .readFile: .readFile
        case .writeFile: .writeFile
        case .synchronizeFile: .synchronizeFile
        case .fileStatus: .fileStatus
        case .sendFile: .sendFile
        case .watch: .watch
        }
    }

    /// The descriptor that it works on; for a file on its way to a socket, the socket. `nil` when it has yet to get one, or has none.
    package var descriptor: FileDescriptor? {
        switch self {
        case .accept(let descriptor, _), .acceptOnce(let descriptor, _), .connect(let descriptor, _),
            .receive(let descriptor), .receiveOnce(let descriptor, _), .receiveInto(let descriptor, _),
            .receiveMessage(let descriptor, _), .send(let descriptor, _), .sendNow(let descriptor, _),
            .sendMessage(let descriptor, _), .sendMessageNow(let descriptor, _),
            .receiveDatagrams(let descriptor, _), .pipeRead(let descriptor),
            .pipeReadInto(let descriptor, _), .pipeWrite(let descriptor, _),
            .pipeWriteVector(let descriptor, _), .waitUntilReadable(let descriptor),
            .waitUntilWritable(let descriptor), .waitForHangUp(let descriptor), .close(let descriptor),
            .closeFile(let descriptor),
            .watch(let descriptor, _), .readFile(let descriptor, _, _), .writeFile(let descriptor, _, _),
            .synchronizeFile(let descriptor, _), .fileStatus(let descriptor, _):
            descriptor
        case .sendFile(let transfer): transfer.pointee.socket
        case .openFile, .waitForChild: nil
        }
    }
}
