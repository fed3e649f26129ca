import Logging

/// Every transport of a loop that is not closed: it keeps them alive, and finds what was never closed.
struct TransportRegistry {
    private var transports: [LoopTransport] = []

    var count: Int { transports.count }

    mutating func insert(_ transport: LoopTransport) {
        transport.registryIndex = Int32(transports.count)
        transports.append(transport)
    }

    /// The last one takes the place of the one that goes.
    mutating func remove(_ transport: LoopTransport) {
        let index = Int(transport.registryIndex)
        precondition(transports[index] === transport, "a transport left the registry twice")
        transport.registryIndex = -1
        let last = transports.removeLast()
        guard last !== transport else { return }
        last.registryIndex = Int32(index)
        transports[index] = last
    }

    /// Closes the sockets of what is still open, for a loop that closes. Nothing is in flight any more.
    mutating func closeAll(reportingTo logger: Logger?) {
        for transport in transports {
            logger?.warning("\(transport) was still open when its event loop closed")
            transport.closeWithLoop()
        }
        transports = []
    }

    /// The servers that have connections, each as often as it has.
    var servers: [Server] { transports.compactMap(\.server) }

    func abortAll() {
        for transport in transports { transport.abort() }
    }

    /// The transports of one server.
    func transports(of server: Server) -> [StreamSocketTransport] {
        transports.compactMap { $0.server === server ? $0 as? StreamSocketTransport : nil }
    }
}
