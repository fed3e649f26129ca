import SystemPackage

/// A socket call that failed: what was tried, on which address, and the system's error.
///
/// ```swift
/// do {
///     _ = try await loop.createServer(host: "127.0.0.1", port: 80) { Echo() }
/// } catch let error as SocketError where error.errno == .addressInUse {
///     print("taken: \(error.address!)")
/// }
/// ```
public struct SocketError: Error, Hashable, Sendable {
    /// What was tried.
    public enum Operation: String, Hashable, Sendable {
        /// Making a socket.
        case makeSocket = "making a socket"
        /// Binding to the address.
        case bind = "binding"
        /// Listening at the address.
        case listen = "listening"
        /// Accepting at the address.
        case accept = "accepting"
        /// Connecting to the address.
        case connect = "connecting"
        /// Receiving from the address.
        case receive = "receiving"
        /// Sending to the address.
        case send = "sending"
        /// Setting a socket option.
        case setOption = "setting a socket option"
        /// Giving a Unix socket's file its permissions.
        case setPermissions = "setting the permissions of"
        /// Looking at a socket or path that was given.
        case inspect = "inspecting"
    }

    /// What was tried.
    public let operation: Operation
    /// The system's reason.
    public let errno: Errno
    /// The address that it concerns, when known.
    public let address: SocketAddress?

    /// An error with all its parts.
    public init(_ operation: Operation, _ errno: Errno, address: SocketAddress? = nil) {
        self.operation = operation
        self.errno = errno
        self.address = address
    }
}

extension SocketError: FailedCall, CustomStringConvertible {
    public var description: String { message }

    private var isLinkLocalWithoutScope: Bool {
        // fe80::/10
        guard case .ipv6(let address, _, _, scopeID: 0)? = address else { return false }
        return address.high >> 54 == 0x3fa
    }

    var attempt: String { address.map { "\(operation.rawValue) (\($0))" } ?? operation.rawValue }

    var advice: String? {
        switch (operation, errno) {
        case (.bind, .addressInUse) where address?.family == .unix:
            "the path or name is taken: end the server that has it, remove what stands there, or choose another"
        case (.bind, .addressInUse), (.listen, .addressInUse):
            "another socket has the address: choose another port, or 0 for any"
        case (.bind, .invalidArgument) where isLinkLocalWithoutScope,
            (.connect, .invalidArgument) where isLinkLocalWithoutScope,
            (.send, .invalidArgument) where isLinkLocalWithoutScope:
            "a link-local address needs its interface: add % and the interface's name to it"
        case (.receive, .noBufferSpace):
            "control messages crowded out how long each of several joined datagrams is: have the kernel send fewer of them, or turn UDP_GRO off"
        case (_, .fileNameTooLong):
            "the path of a Unix socket has 107 bytes at most"
        case (.bind, .addressNotAvailable):
            "no interface of this machine has the address: choose one that \"ip address\" lists, or none for every one"
        case (.bind, .permissionDenied):
            "ports below 1024 need a privilege, and a path needs a writable directory"
        default: nil
        }
    }
}
