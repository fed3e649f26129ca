/// Who is at the other end of a Unix connection, as the kernel vouches for it.
///
/// They are those that the peer had when it connected, or began to listen, or made the pair of sockets: a process that has
/// given its rights up since, or its socket to another, is not seen.
///
/// ```swift
/// guard let peer = transport.extraInfo(.peerCredentials), peer.userID == 0 else { return transport.abort() }
/// ```
public struct PeerCredentials: Hashable, Sendable {
    /// The process's number; `nil` when it is in a name space that this process cannot see. It may be another process's by
    /// now: rely on the user rather than on it.
    public let processID: Int32?
    /// The effective user's number.
    public let userID: UInt32
    /// The effective group's number.
    public let groupID: UInt32

    /// Credentials with all their parts, for a transport of your own.
    public init(processID: Int32?, userID: UInt32, groupID: UInt32) {
        self.processID = processID
        self.userID = userID
        self.groupID = groupID
    }
}
