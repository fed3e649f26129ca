import Proactor

extension MicroBenchmark {
    /// Two loops of a group against one, each with its own load: clients and a server that talk over TCP on the same
    /// loop, so that every loop keeps one processor busy. On one processor they share it.
    static func groups(on kind: LoopKind, _ sizes: MicroSizes) -> [MicroBenchmark] {
        let connections = sizes.connections
        return [1, 2].map { count in
            MicroBenchmark(
                topic: .groups,
                name: "echo, \(count) \(count == 1 ? "loop" : "loops, each its own load")",
                loop: kind.rawValue,
                unit: "thousand/s"
            ) { try groupEchoes(connections, on: kind, loops: count) / 1000 }
        } + [
            MicroBenchmark(topic: .groups, name: "echo, 2 loops over 1", loop: kind.rawValue, unit: "×") {
                let one = try groupEchoes(connections, on: kind, loops: 1)
                return try groupEchoes(connections, on: kind, loops: 2) / one
            }
        ]
    }

    private static let tripsEach = 400

    /// Messages a second that came back, of all loops together.
    private static func groupEchoes(_ connections: Int, on kind: LoopKind, loops: Int) throws -> Double {
        var options = EventLoopGroupOptions(loopCount: loops, name: "bench")
        options.pinning = .onePerProcessor
        options.makeLoop = { _ in try kind.makeLoop() }
        let group = try EventLoopGroup(options)
        let seconds = try secondsTaken {
            _ = try group.next().runCoroutineThreadSafe {
                try await group.runOnEach { loop in try await echoes(connections, on: loop) }
            }.result()
        }
        group.shutdown()
        try group.wait()
        return Double(loops * connections * tripsEach) / seconds
    }

    private static func echoes(_ connections: Int, on loop: any AbstractEventLoop) async throws {
        let server = try await loop.createServer(host: "127.0.0.1", port: 0) { EchoConnection() }
        let port = try server.sockets[0].localAddress().port
        let over = loop.createFuture()
        var left = connections
        for _ in 0..<connections {
            _ = try await loop.createConnection(host: "127.0.0.1", port: port) {
                PingPong(trips: tripsEach) {
                    left -= 1
                    if left == 0 { try? over.setResult() }
                }
            }
        }
        try await over.value()
        await server.shutdownGracefully(timeout: .seconds(1))
    }
}

/// Sends 64 bytes, waits until they are back, and again, so many times; then closes.
private final class PingPong: StreamProtocol {
    private let message = [UInt8](repeating: 7, count: 64)
    private let whenOver: () -> Void
    private var trips: Int
    private var missing = 64
    private var transport: (any Transport)?

    init(trips: Int, whenOver: @escaping () -> Void) {
        self.trips = trips
        self.whenOver = whenOver
    }

    func connectionMade(_ transport: any Transport) {
        self.transport = transport
        transport.write(message)
    }

    func dataReceived(_ data: RawSpan) {
        missing -= data.byteCount
        guard missing == 0 else { return }
        missing = message.count
        trips -= 1
        if trips > 0 { transport?.write(message) } else { transport?.close() }
    }

    func connectionLost(_ error: (any Error)?) {
        transport = nil
        whenOver()
    }
}
