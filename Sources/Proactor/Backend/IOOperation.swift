import Glibc
import SystemPackage

/// What a backend can be asked to do. Every case is plain memory, and so is a table of them.
///
/// Memory behind a pointer belongs to the operation from submission until its final completion.
enum IOOperation: BitwiseCopyable {
    /// Accept connections until cancelled. Each completion's result is a new descriptor.
    case accept(FileDescriptor)
    /// Connect. The result is zero.
    case connect(FileDescriptor, UnsafeMutablePointer<KernelAddress>)
    /// Receive into the backend's own buffers until end of stream, an error or a cancel. Each completion lends its bytes.
    case receive(FileDescriptor)
    /// Receive once into the caller's memory. The result is the count, zero at end of stream.
    case receiveInto(FileDescriptor, UnsafeMutableRawBufferPointer)
    /// Send once. The result is the count, which may be short.
    case send(FileDescriptor, UnsafeRawBufferPointer)
    /// Send once what a `msghdr` names. The result is the count, which may be short.
    case sendMessage(FileDescriptor, UnsafeMutablePointer<msghdr>)
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
    /// Wait until the other end is gone, on the reading side of a descriptor that is only written to. The result is
    /// positive, or zero when this kind of descriptor does not tell.
    case waitForHangUp(FileDescriptor)
    /// Close. No operation may be in flight on the descriptor but those of a selector's own making.
    case close(FileDescriptor)
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

    /// The operation's number in a token.
    var kind: OperationKind {
        switch self {
        case .accept: .accept
        case .connect: .connect
        case .receive: .receive
        case .receiveInto: .receiveInto
        case .send: .send
        case .sendMessage: .sendMessage
        case .receiveDatagrams: .receiveDatagrams
        case .pipeRead: .pipeRead
        case .pipeReadInto: .pipeReadInto
        case .pipeWrite: .pipeWrite
        case .pipeWriteVector: .pipeWriteVector
        case .waitUntilReadable: .waitUntilReadable
        case .waitForHangUp: .waitForHangUp
        case .close: .close
        case .openFile: .openFile
        case .readFile: .readFile
        case .writeFile: .writeFile
        case .synchronizeFile: .synchronizeFile
        case .fileStatus: .fileStatus
        case .sendFile: .sendFile
        }
    }

    /// The descriptor that it works on; for a file on its way to a socket, the socket. `nil` when it has yet to get one.
    var descriptor: FileDescriptor? {
        switch self {
        case .accept(let descriptor), .connect(let descriptor, _), .receive(let descriptor),
            .receiveInto(let descriptor, _), .send(let descriptor, _), .sendMessage(let descriptor, _),
            .pipeRead(let descriptor), .pipeReadInto(let descriptor, _), .pipeWrite(let descriptor, _),
            .pipeWriteVector(let descriptor, _), .waitUntilReadable(let descriptor),
            .waitForHangUp(let descriptor),
            .receiveDatagrams(let descriptor, _), .close(let descriptor), .readFile(let descriptor, _, _),
            .writeFile(let descriptor, _, _),
            .synchronizeFile(let descriptor, _), .fileStatus(let descriptor, _):
            descriptor
        case .sendFile(let transfer): transfer.pointee.socket
        case .openFile: nil
        }
    }
}
