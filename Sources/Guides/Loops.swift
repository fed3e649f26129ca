// The code of the guides ManyLoops.md and TimeoutsAndCancelling.md, which a test holds against it.
import Proactor

/// Sends back whatever comes in. One per connection.
final class Echo: StreamProtocol {
    private var transport: (any Transport)?

    func connectionMade(_ transport: any Transport) { self.transport = transport }
    func dataReceived(_ data: RawSpan) { transport?.write(data) }
}

func serveOnFourLoops() async throws {
    let group = try EventLoopGroup(EventLoopGroupOptions(loopCount: 4, name: "echo"))
    let options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 9000))
    let server = try await group.createServer(options) { Echo() }
    try await server.serve(until: [.terminate, .interrupt], grace: .seconds(5))
    await group.shutdownGracefully(timeout: .zero)
}

func countTasks(_ group: EventLoopGroup) async throws -> Int {
    let counts = try await group.runOnEach { loop in try allTasks(loop).count }
    return counts.reduce(0, +)
}

func countTasks(of loop: any AbstractEventLoop) async throws -> Int {
    try await loop.runCoroutineThreadSafe { try allTasks(loop).count }.value()
}

nonisolated(nonsending) func askInTime(_ loop: any AbstractEventLoop) async throws -> [UInt8] {
    try await timeout(.seconds(2)) { _ in
        try await loop.withConnection(host: "127.0.0.1", port: 9000) { reader, writer in
            writer.write("What time is it?\n")
            return try await reader.readLine()
        }
    }
}

nonisolated(nonsending) func stopATask(_ loop: any AbstractEventLoop) async throws {
    let task = loop.createTask { try await sleep(for: .seconds(3600)) }
    task.cancel()
    do { try await task.value() } catch is CancellationError { print("it has stopped") }
}
