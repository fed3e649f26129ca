/// One kind of traffic with its parameters.
struct Workload: Sendable, Codable, Equatable {
    /// What the connections do.
    enum Kind: String, Sendable, Codable {
        /// Messages that come back, each awaited, `depth` of them in flight on each connection.
        case echo
        /// Connect, one message, close, over and over.
        case churn
        /// Connections that are held after one message; only memory is looked at.
        case idle
    }

    /// How the client reaches the server.
    enum Family: String, Sendable, Codable {
        case tcp
        case unix
    }

    var name: String
    var summary: String
    var kind: Kind
    var family: Family = .tcp
    var connections: Int
    var messageBytes: Int
    var depth = 1
    /// Belongs to the selection that is run when none is named.
    var isCore = false

    /// What one unit of the throughput is.
    var unit: String {
        switch kind {
        case .echo: "request"
        case .churn, .idle: "connection"
        }
    }
}
