/// Which end of a TLS connection one is: who connects, or who is connected to, whatever the sockets' roles were.
///
/// ```swift
/// let side = TLSSide.client
/// ```
public enum TLSSide: String, Hashable, Sendable {
    /// The one who speaks first, and who verifies the other by default.
    case client
    /// The one who shows a certificate.
    case server
}
