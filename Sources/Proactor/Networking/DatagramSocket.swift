import SystemPackage

/// A datagram socket that is ready for a transport.
struct DatagramSocket {
    let descriptor: FileDescriptor
    let family: AddressFamily
    /// Where it sends, when that is one address.
    var remote: SocketAddress?
    /// Whether the kernel knows that.
    var isConnected = false
}
