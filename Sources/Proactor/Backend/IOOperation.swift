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
    /// Close. No operation may be in flight on the descriptor but those of a selector's own making.
    case close(FileDescriptor)

    /// The operation's number in a token.
    var kind: OperationKind {
        switch self {
        case .accept: .accept
        case .connect: .connect
        case .receive: .receive
        case .receiveInto: .receiveInto
        case .send: .send
        case .sendMessage: .sendMessage
        case .close: .close
        }
    }

    /// The descriptor that it works on.
    var descriptor: FileDescriptor {
        switch self {
        case .accept(let descriptor), .connect(let descriptor, _), .receive(let descriptor),
            .receiveInto(let descriptor, _), .send(let descriptor, _), .sendMessage(let descriptor, _),
            .close(let descriptor):
            descriptor
        }
    }
}
