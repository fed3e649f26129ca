import SystemPackage

/// A socket that a transport or a server owns: to look at and to set options on, not to read, write or close.
///
/// Thread rule: the loop's thread. When the transport or server is closed, or its loop, every call throws EBADF: the number may be
/// somebody else's by then.
///
/// ```swift
/// try transport.extraInfo(.socket)?.setOption(.keepAlive, to: 1)
/// ```
public struct TransportSocket: CustomStringConvertible {
    /// The descriptor, which stays the transport's own.
    public var descriptor: FileDescriptor {
        thread.check("TransportSocket.descriptor")
        owner.socketWasShown()
        return number
    }

    private let number: FileDescriptor
    private let owner: any SocketOwner
    private let system: any SystemCalls
    private let thread: LoopThread

    init(_ descriptor: FileDescriptor, of loop: BaseEventLoop, owner: any SocketOwner) {
        number = descriptor
        self.owner = owner
        system = loop.system
        thread = loop.thread
    }

    private func checked() throws(Errno) -> FileDescriptor {
        guard owner.hasSocket else { throw .badFileDescriptor }
        return number
    }

    /// The socket's own address, as `getsockname(2)`.
    public func localAddress() throws(Errno) -> SocketAddress {
        thread.check("TransportSocket.localAddress")
        return try system.localAddress(of: try checked())
    }

    /// The other end's address, as `getpeername(2)`.
    public func peerAddress() throws(Errno) -> SocketAddress {
        thread.check("TransportSocket.peerAddress")
        return try system.peerAddress(of: try checked())
    }

    /// Who is at the other end of a Unix socket (`SO_PEERCRED`); `nil` when the kernel does not know, as of every other kind of
    /// socket.
    public func peerCredentials() throws(Errno) -> PeerCredentials? {
        thread.check("TransportSocket.peerCredentials")
        return try system.unixSockets.peerCredentials(of: try checked())
    }

    /// Sets an option, as `setsockopt(2)`. A datagram endpoint shows each datagram by itself whatever is set; `UDP_GRO` stays on
    /// while datagrams wait that the kernel may have joined.
    public func setOption(_ option: SocketOption, to value: Int32) throws(Errno) {
        thread.check("TransportSocket.setOption")
        if option == .joinDatagrams, value == 0 { return try system.stopJoiningDatagrams(on: try checked()) }
        try system.setOption(option, to: value, on: try checked())
    }

    /// An option's value, as `getsockopt(2)`.
    public func option(_ option: SocketOption) throws(Errno) -> Int32 {
        thread.check("TransportSocket.option")
        return try system.option(option, of: try checked())
    }

    public var description: String {
        // For logs, from any thread.
        let name = (try? system.localAddress(of: number))?.description ?? "?"
        return "socket \(number.rawValue) at \(name)"
    }
}

/// Whose socket a ``TransportSocket`` is.
protocol SocketOwner: AnyObject {
    /// Whether it has not closed it.
    var hasSocket: Bool { get }
    /// The program knows the descriptor from here on, and may have set whatever option it likes.
    func socketWasShown()
}
