import Proactor

/// Sends back whatever comes in. One per connection.
final class Echo: StreamProtocol {
    private var transport: (any Transport)?

    func connectionMade(_ transport: any Transport) {
        self.transport = transport
    }

    func dataReceived(_ data: RawSpan) {
        transport?.write(data)
    }
}

@main
struct EchoServer {
    static func main() {
        runMain {
            let server = try await getRunningLoop().createServer(host: "127.0.0.1", port: 9000) { Echo() }
            print("listening on 127.0.0.1:9000")
            try await server.serveForever()
        }
    }
}
