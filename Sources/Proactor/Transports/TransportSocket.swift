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
    private let thread: LoopThread

    init(_ descriptor: FileDescriptor, of loop: BaseEventLoop) {
        self.descriptor = descriptor
        system = loop.backend.system
        thread = loop.thread
    }

    /// The socket's own address, as `getsockname(2)`.
    public func localAddress() throws(Errno) -> SocketAddress {
        thread.check("TransportSocket.localAddress")
        return try system.localAddress(of: descriptor)
    }

    /// The other end's address, as `getpeername(2)`.
    public func peerAddress() throws(Errno) -> SocketAddress {
        thread.check("TransportSocket.peerAddress")
        return try system.peerAddress(of: descriptor)
    }

    /// Who is at the other end of a Unix socket (`SO_PEERCRED`); `nil` when the kernel does not know, as of every other kind of
    /// socket.
    public func peerCredentials() throws(Errno) -> PeerCredentials? {
        thread.check("TransportSocket.peerCredentials")
        return try system.unixSockets.peerCredentials(of: descriptor)
    }

    /// Sets an option, as `setsockopt(2)`. A datagram endpoint shows each datagram by itself whatever is set; `UDP_GRO` stays on
    /// while datagrams wait that the kernel may have joined.
    public func setOption(_ option: SocketOption, to value: Int32) throws(Errno) {
        thread.check("TransportSocket.setOption")
        if option == .joinDatagrams, value == 0 { return try system.stopJoiningDatagrams(on: descriptor) }
        try system.setOption(option, to: value, on: descriptor)
    }

    /// An option's value, as `getsockopt(2)`.
    public func option(_ option: SocketOption) throws(Errno) -> Int32 {
        thread.check("TransportSocket.option")
        return try system.option(option, of: descriptor)
    }

    public var description: String {
        // For logs, from any thread.
        let name = (try? system.localAddress(of: descriptor))?.description ?? "?"
        return "socket \(descriptor.rawValue) at \(name)"
    }
}
