/// Hands the connections of a group's server on: on the loop that accepts them, to the loop that is least busy.
///
/// It holds the other loops' parts of the server, and is held by the accepting loop's part until that is closed.
///
/// Thread rule: the accepting loop's thread.
final class ConnectionBalancer {
    /// One loop's part of the server.
    struct Part {
        /// `nil` for the accepting loop's own.
        let server: LoopBound<Server>?
        let share: ConnectionShare
        let load: LoopLoad
        /// Whether its loop wants sockets blocking where the accepting loop has them otherwise, or the other way round.
        let needsAdopting: Bool
    }

    private let parts: [Part]
    private var balance: LoadBalance

    init(_ parts: [Part]) {
        self.parts = parts
        balance = LoadBalance(count: parts.count)
    }

    /// Whether any loop may have one more. The one who makes room where there is none wakes the accepting loop.
    var hasRoom: Bool {
        if anyHasRoom { return true }
        parts[0].share.stall.begin()
        // Who has made room since the first look may have seen no stall.
        return anyHasRoom
    }

    private var anyHasRoom: Bool { parts.contains { $0.share.hasRoom } }

    /// Gives a connection to one of the loops, and closes it where the last of them is gone.
    func place(_ connection: AcceptedConnection, by server: Server) {
        let loop = server.loop
        while let part = choose(at: loop.time().nanoseconds) {
            part.share.add()
            guard let target = part.server else { return server.makeTransport(connection) }
            let parcel = ConnectionParcel(connection, of: part.share, by: loop.system)
            let adopts = part.needsAdopting
            do {
                return try target.post { server in
                    guard let connection = parcel.open() else { return }
                    if adopts { try? server.loop.system.adopt(connection.socket) }
                    server.take(connection)
                }
            } catch {
                // That loop is closed: the others will do.
                _ = parcel.open()
                part.share.loopIsGone()
            }
        }
        try? loop.system.close(connection.socket)
    }

    private func choose(at now: Int64) -> Part? {
        let candidates = parts.indices.filter { parts[$0].share.hasRoom }
        guard !candidates.isEmpty else { return nil }
        let connections = parts.map(\.share.count)
        if balance.isDue(at: now) {
            balance.look(at: now, busy: parts.map { $0.load.busy(at: now) }, connections: connections)
        }
        return parts[balance.choose(among: candidates, connections: connections)]
    }
}

/// A connection on its way to another loop. It is closed where nobody opens the parcel: that loop was closed first.
private final class ConnectionParcel: Sendable {
    private let content: ThreadLock<AcceptedConnection?>
    private let share: ConnectionShare
    private let system: any SystemCalls

    init(_ connection: AcceptedConnection, of share: ConnectionShare, by system: any SystemCalls) {
        content = ThreadLock(connection)
        self.share = share
        self.system = system
    }

    deinit {
        guard let connection = open() else { return }
        try? system.close(connection.socket)
        share.remove()
    }

    func open() -> AcceptedConnection? { content.withLock { $0.take() } }
}
