import SystemPackage

/// An entry of a socket's error queue.
///
/// The kernel keeps there what became of packets, for sockets that ask for it (`IP_RECVERR`), and notes for those that want
/// to know when a packet left (`SO_TIMESTAMPING`) or when its memory is free again (`SO_ZEROCOPY`).
package struct QueuedError {
    /// What went wrong; `nil` for a note.
    package let errno: Errno?
    /// Whether it was found while sending, and the sender told at once. Else it came back from the network.
    package let isLocal: Bool
    /// Where the packet was to go, when known.
    package let address: SocketAddress?

    package init(errno: Errno?, isLocal: Bool, address: SocketAddress?) {
        self.errno = errno
        self.isLocal = isLocal
        self.address = address
    }
}
