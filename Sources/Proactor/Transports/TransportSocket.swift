import SystemPackage

/// A socket that a transport or a server owns: to look at and to set options on, not to read, write or close.
///
/// Thread rule: the loop's thread, while the transport or server is open.
///
/// ```swift
/// try transport.extraInfo(.socket)?.setOption(.keepAlive, to: 1)
/// ```
public struct TransportSocket: CustomStringConvertible {
    /// The descriptor, which stays the transport's own.
    public let descriptor: FileDescriptor
    private let system: any SystemCalls

    init(_ descriptor: FileDescriptor, system: any SystemCalls) {
        self.descriptor = descriptor
        self.system = system
    }

    /// The socket's own address, as `getsockname(2)`.
    public func localAddress() throws(Errno) -> SocketAddress {
        try system.localAddress(of: descriptor)
    }

    /// The other end's address, as `getpeername(2)`.
    public func peerAddress() throws(Errno) -> SocketAddress {
        try system.peerAddress(of: descriptor)
    }

    /// Sets an option, as `setsockopt(2)`.
    public func setOption(_ option: SocketOption, to value: Int32) throws(Errno) {
        try system.setOption(option, to: value, on: descriptor)
    }

    /// An option's value, as `getsockopt(2)`.
    public func option(_ option: SocketOption) throws(Errno) -> Int32 {
        try system.option(option, of: descriptor)
    }

    public var description: String {
        let name = (try? localAddress())?.description ?? "?"
        return "socket \(descriptor.rawValue) at \(name)"
    }
}
