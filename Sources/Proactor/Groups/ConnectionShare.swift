import Synchronization

/// What one loop has of the connections of a server that is spread by balance, those on their way to it included.
///
/// Thread rule: any thread.
final class ConnectionShare: Sendable {
    let stall: ConnectionStall
    private let maxCount: Int
    private let counter = Atomic<Int>(0)
    private let isGone = Atomic<Bool>(false)

    /// - Parameter maxCount: `nil` is without a bound.
    init(atMost maxCount: Int?, _ stall: ConnectionStall) {
        self.maxCount = maxCount ?? .max
        self.stall = stall
    }

    var count: Int { counter.load(ordering: .sequentiallyConsistent) }
    var hasRoom: Bool { count < maxCount && !isGone.load(ordering: .relaxed) }

    func add() {
        counter.add(1, ordering: .sequentiallyConsistent)
    }

    func remove() {
        let count = counter.subtract(1, ordering: .sequentiallyConsistent).newValue
        precondition(count >= 0, "a loop lost a connection that it was not given")
        stall.end()
    }

    /// The loop is closed, and its connections with it.
    func loopIsGone() {
        isGone.store(true, ordering: .relaxed)
    }
}

/// Whether the accepting loop waits for room on any loop. Any thread.
final class ConnectionStall: Sendable {
    private let isOn = Atomic<Bool>(false)
    private let server: LoopBound<AcceptingServer>

    /// On the accepting loop's thread.
    init(of server: Server) {
        self.server = LoopBound(AcceptingServer(server), of: server.loop)
    }

    func begin() {
        isOn.store(true, ordering: .sequentiallyConsistent)
    }

    /// There is room.
    func end() {
        guard isOn.load(ordering: .sequentiallyConsistent),
            isOn.exchange(false, ordering: .sequentiallyConsistent)
        else { return }
        // A loop that is closed accepts nobody.
        try? server.post { $0.server?.admitSoon() }
    }
}

/// Not retained: its connections count here, and it has them.
private final class AcceptingServer {
    private(set) weak var server: Server?

    init(_ server: Server) {
        self.server = server
    }
}
