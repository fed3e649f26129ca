import Proactor

/// Sends a message, prints what comes back, and closes.
final class EchoClientProtocol: DatagramProtocol {
    private let message: String
    private let connectionLost: Future<Void>
    private var transport: (any DatagramTransport)?

    init(message: String, connectionLost: Future<Void>) {
        self.message = message
        self.connectionLost = connectionLost
    }

    func connectionMade(_ transport: any DatagramTransport) throws {
        self.transport = transport
        print("Send: \(message)")
        try transport.sendTo(message.utf8Span.span.bytes, nil)
    }

    func datagramReceived(_ data: RawSpan, from source: SocketAddress) {
        print("Received: \(String(decoding: data, as: UTF8.self))")
        print("Close the socket")
        transport?.close()
    }

    func errorReceived(_ error: SocketError) {
        print("Error received: \(error)")
    }

    func connectionLost(_ error: (any Error)?) {
        print("Connection closed")
        try? connectionLost.setResult()
    }
}

/// A UDP echo client for the server at 127.0.0.1, at port 9999 or the one that is given.
@main
struct UDPEchoClient {
    static func main() {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) } ?? 9999
        runMain {
            let loop = try getRunningLoop()
            let connectionLost = loop.createFuture()
            let (transport, _) = try await loop.createDatagramEndpoint(remoteAddress: ("127.0.0.1", port)) {
                EchoClientProtocol(message: "Hello World!", connectionLost: connectionLost)
            }
            defer { transport.close() }
            try await connectionLost.value()
        }
    }
}
