import CPosix

/// A datagram on its way out: where its bytes are, and its destination in the kernel's form. Without one it goes to where the
/// socket is connected. It owns neither.
typealias OutgoingDatagram = cposix_datagram
