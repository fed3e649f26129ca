import Proactor

/// Sends a message, prints what comes back, and tells when the connection is over.
final class EchoClientProtocol: StreamProtocol {
    private let message: String
    private let connectionLost: Future<Void>

    init(message: String, connectionLost: Future<Void>) {
        self.message = message
        self.connectionLost = connectionLost
    }

    func connectionMade(_ transport: any Transport) {
        transport.write(message)
        print("Data sent: \(message)")
    }

    func dataReceived(_ data: RawSpan) {
        print("Data received: \(String(decoding: data, as: UTF8.self))")
    }

    func connectionLost(_ error: (any Error)?) {
        print("The server closed the connection")
        try? connectionLost.setResult()
    }
}

/// A TCP echo client for the server at 127.0.0.1, at port 8888 or the one that is given.
@main
struct TCPEchoClient {
    static func main() {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) } ?? 8888
        runMain {
            let loop = try getRunningLoop()
            let connectionLost = loop.createFuture()
            let (transport, _) = try await loop.createConnection(host: "127.0.0.1", port: port) {
                EchoClientProtocol(message: "Hello World!", connectionLost: connectionLost)
            }
            defer { transport.close() }
            // Until the protocol says that the connection is lost.
            try await connectionLost.value()
        }
    }
}
