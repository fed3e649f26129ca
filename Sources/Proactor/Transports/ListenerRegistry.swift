import Logging

/// Every listening socket of a loop that is not closed: finds what was never closed.
struct ListenerRegistry {
    private var listeners: [ObjectIdentifier: Listener] = [:]

    mutating func insert(_ listener: Listener) {
        listeners[ObjectIdentifier(listener)] = listener
    }

    mutating func remove(_ listener: Listener) {
        listeners[ObjectIdentifier(listener)] = nil
    }

    /// The servers that accept, each as often as it listens.
    var servers: [Server] { listeners.values.compactMap(\.server) }

    /// Closes what is still open, for a loop that closes. Nothing is in flight any more. A fork leaves the files of Unix
    /// sockets to its parent.
    mutating func closeAll(inFork: Bool, reportingTo logger: Logger?) {
        let open = listeners.values
        listeners = [:]
        for listener in open {
            logger?.warning("the listener at \(listener) was still open when its event loop closed")
            listener.closeWithLoop(inFork: inFork)
        }
    }
}
