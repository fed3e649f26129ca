import SystemPackage

/// A connection that was accepted and has no transport yet.
struct AcceptedConnection: Sendable {
    let socket: FileDescriptor
    let peer: SocketAddress?
    /// See ``LoopTransport/mayLinger``.
    let mayLinger: Bool
}
