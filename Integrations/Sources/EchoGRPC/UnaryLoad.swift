import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOPosix
import Synchronization

/// Calls the echo service's unary method, over several connections and with several calls at a time on each.
public struct UnaryLoad: Sendable {
    public var host = "127.0.0.1"
    public var port = 8080
    public var connections = 10
    /// How many calls each connection has under way.
    public var callsPerConnection = 5
    public var messageBytes = 64
    public var duration = Duration.seconds(3)

    public init() {}

    /// What came of it.
    public struct Result: Sendable {
        /// How many calls were answered by what was sent.
        public var calls: Int
        public var duration: Duration

        public var callsPerSecond: Double { Double(calls) / (duration / .seconds(1)) }
    }

    /// Calls until the time is over.
    ///
    /// - Throws: what a call fails by, or ``WrongAnswer``.
    public func run() async throws -> Result {
        let clock = ContinuousClock()
        let begun = clock.now
        let calls = try await withThrowingTaskGroup(of: Int.self) { clients in
            for _ in 0..<connections {
                clients.addTask { try await runClient(until: begun + duration) }
            }
            return try await clients.reduce(0, +)
        }
        return Result(calls: calls, duration: clock.now - begun)
    }

    private func runClient(until end: ContinuousClock.Instant) async throws -> Int {
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: host, port: port),
            transportSecurity: .plaintext
        )
        return try await withGRPCClient(transport: transport) { client in
            try await withThrowingTaskGroup(of: Int.self) { callers in
                for _ in 0..<callsPerConnection {
                    callers.addTask { try await call(client, until: end) }
                }
                return try await callers.reduce(0, +)
            }
        }
    }

    private func call(
        _ client: GRPCClient<HTTP2ClientTransport.Posix>,
        until end: ContinuousClock.Instant
    ) async throws -> Int {
        let message = [UInt8](repeating: 120, count: messageBytes)
        var count = 0
        // One at least, however short the time.
        repeat {
            let answer = try await client.unary(
                request: ClientRequest(message: message),
                descriptor: EchoService.unary,
                serializer: BytesSerializer(),
                deserializer: BytesDeserializer(),
                options: .defaults
            ) { response in
                try response.message
            }
            guard answer == message else { throw WrongAnswer() }
            count += 1
        } while ContinuousClock.now < end
        return count
    }
}

/// The server sent something else back.
public struct WrongAnswer: Error {}
