/// How a group's server spreads its connections over the loops: see
/// ``EventLoopGroup/createServer(_:spreading:protocolFactory:)``.
///
/// ```swift
/// let server = try await group.createServer(options, spreading: .leastBusy) { Echo() }
/// ```
public enum ConnectionSpreading: Hashable, Sendable {
    /// Each loop has a socket of its own at the same port, and the kernel spreads the connections over them by a hash of the peers'
    /// addresses and ports. It costs nothing, and is even where connections are many and alike. The kernel does not know which loop is
    /// busy: of a few hundred connections one loop may have half as many again as another, and who connects to a loop that is held
    /// up waits for it.
    case byKernel
    /// The first loop alone listens, and hands each connection to the loop that is least busy, itself among them: least of the last
    /// tenth of a second outside of its wait, and of those that are about equal in that, the one with the fewest of the server's
    /// connections. For connections that live long or differ in what they ask for. A connection costs a post to another loop more, and
    /// no message does; what is accepted in a second is what one loop can accept.
    case leastBusy
}
