extension AbstractEventLoop {
    /// Whether servers of this loop accept, or have connections. On the loop's thread only.
    package var hasOpenServers: Bool {
        guard let loop = self as? BaseEventLoop, !loop.isClosed else { return false }
        return !loop.openServers.isEmpty
    }
}
