/// One kind of traffic with its parameters.
struct Workload: Sendable, Codable, Equatable {
    /// What the connections do.
    enum Kind: String, Sendable, Codable, CaseIterable {
        /// Messages that come back, each awaited, `depth` of them in flight on each connection.
        case echo
        /// Lines that come back, each awaited: a server that reads line by line.
        case lines
        /// Messages that come back, each awaited: a server that reads each whole, as it knows how long they are.
        case exact
        /// Connect, one message, close, over and over.
        case churn
        /// Connections that are held after one message; only memory is looked at.
        case idle
        /// Bytes towards the server, which drops them.
        case streamIn = "stream-in"
        /// Bytes from the server, which sends without end.
        case streamOut = "stream-out"
        /// Connections that flood the server with lines, which it ignores, and one more that asks: a line at a time, which
        /// comes back.
        case flood
        /// Bytes towards a server that forwards each connection to a listener of the load's.
        case proxy
        /// Datagrams that come back, `depth` of them in flight on each client's socket.
        case udp
        /// HTTP/1.1 requests by wrk.
        case http
    }

    /// How handshakes of TLS go.
    enum Handshake: String, Sendable, Codable {
        /// Each is a full one, with certificate and signature.
        case full
        /// Each connection resumes by a ticket that one before it was given.
        case resumed
    }

    /// How the client reaches the server.
    enum Family: String, Sendable, Codable {
        case tcp
        case unix
    }

    var kind: Kind
    var family: Family = .tcp
    /// What is spoken over TLS: echo, churn and idle connections; nil for plain bytes. All but churn has full handshakes.
    var tls: Handshake?
    var connections: Int
    /// Of a message that is echoed; of one piece, where bytes go in one direction.
    var messageBytes: Int
    /// How many messages are in flight on a connection, at most.
    var depth = 1
    /// UDP with a depth above 1: true when each datagram passes the load's kernel calls by itself, nil when those of one client
    /// in a row are joined.
    var isPlain: Bool?
    /// Messages a second on all connections together, in an open loop; nil for a closed one.
    var rate: Double?

    init(
        _ kind: Kind,
        family: Family = .tcp,
        tls: Handshake? = nil,
        connections: Int,
        messageBytes: Int? = nil,
        depth: Int = 1
    ) {
        self.kind = kind
        self.family = family
        self.tls = tls
        self.connections = connections
        self.messageBytes = messageBytes ?? (kind == .flood ? Self.floodLineBytes : Self.usualMessageBytes)
        self.depth = depth
    }

    /// Of a message, where nothing else is said.
    static let usualMessageBytes = 64

    /// Of each line of a flood, with its end.
    static let floodLineBytes = 30

    /// A line has this many bytes, with its end: none is longer than what asyncio's readers take.
    static let lineBytes = 2...1 << 16

    /// What a server has to offer.
    var service: Service {
        switch kind {
        case .echo, .churn, .idle: .echo
        case .lines: .lines
        case .exact: .exact
        case .streamIn: .sink
        case .streamOut: .source
        case .flood: .ask
        case .proxy: .proxy
        case .udp: .udpEcho
        case .http: .http
        }
    }

    /// That, as `--contender` calls it.
    var serviceName: String { tls == nil ? service.rawValue : CommandTemplate.tlsPrefix + service.rawValue }

    /// What one unit of the throughput is.
    var unit: String {
        switch kind {
        case .echo, .lines, .exact, .udp, .http: "request"
        case .churn, .idle: "connection"
        case .flood: "question"
        case .streamIn, .streamOut, .proxy: "piece of \(byteCount(messageBytes))"
        }
    }

    /// Each unit has a beginning and an end that the load sees.
    var hasLatency: Bool {
        switch kind {
        case .echo, .lines, .exact, .churn, .flood, .udp, .http: true
        case .idle, .streamIn, .streamOut, .proxy: false
        }
    }

    /// Its throughput is bytes, and not units.
    var isStream: Bool {
        switch kind {
        case .streamIn, .streamOut, .flood, .proxy: true
        case .echo, .lines, .exact, .churn, .idle, .udp, .http: false
        }
    }

    /// What loops that await are measured beside loops that call back with.
    var comparesAsync: Bool {
        kind == .echo && family == .tcp && tls == nil && connections == 50 && depth == 1 && rate == nil
    }
}

/// `count` bytes with the largest binary unit that divides it: 64 B, 16 KiB.
func byteCount(_ count: Int) -> String {
    for (unit, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
    where count >= size && count % size == 0 {
        return "\(count / size) \(unit)"
    }
    return "\(count) B"
}
