/// One graceful stop, of servers of one loop.
final class ServerDrain {
    private let loop: BaseEventLoop
    private let servers: [Server]
    private var serversLeft: Int
    private var summary = ShutdownSummary()
    private var deadline: TimerHandle?
    private var whenOver: ((ShutdownSummary) -> Void)?

    init(_ servers: [Server], of loop: BaseEventLoop) {
        self.loop = loop
        self.servers = servers
        serversLeft = servers.count
    }

    /// Stops accepting, asks each connection to end, and aborts at the deadline what is left. `whenOver` is called once,
    /// in a later turn, when no connection is left.
    func begin(timeout: Duration, whenOver: @escaping (ShutdownSummary) -> Void) {
        precondition(self.whenOver == nil, "a graceful stop was begun twice")
        self.whenOver = whenOver
        for server in servers { server.close() }
        let transports = servers.flatMap { loop.openTransports.transports(of: $0) }
        summary.drained = transports.count
        let due = loop.time().advanced(by: timeout)
        deadline = loop.timers.insert(.callback { self.abortRest() }, at: due)
        for transport in transports { transport.outermost.askToShutDown() }
        guard serversLeft > 0 else {
            loop.ready.push(.callback { self.end() })
            return
        }
        for server in servers { server.whenDrained { self.serverDrained() } }
    }

    /// The time is over: what is still open is aborted.
    func abortRest() {
        guard whenOver != nil else { return }
        for server in servers {
            for transport in loop.openTransports.transports(of: server) where transport.isOpenOrFlushing {
                summary.drained -= 1
                summary.aborted += 1
                transport.loseConnection(nil)
            }
        }
        precondition(summary.drained >= 0, "a server that is closed had a new connection")
    }

    private func serverDrained() {
        serversLeft -= 1
        if serversLeft == 0 { end() }
    }

    private func end() {
        deadline?.cancel()
        whenOver.take()?(summary)
    }
}
