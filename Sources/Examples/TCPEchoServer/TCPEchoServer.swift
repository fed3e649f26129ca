import Glibc
import Proactor

/// Sends back what a client has sent, and closes the connection.
final class EchoServerProtocol: StreamProtocol {
    private var transport: (any Transport)?

    func connectionMade(_ transport: any Transport) {
        let peer = transport.extraInfo(.peerName)?.description ?? "somebody"
        say("Connection from \(peer)")
        self.transport = transport
    }

    func dataReceived(_ data: RawSpan) {
        let message = String(decoding: data, as: UTF8.self)
        say("Data received: \(message)")
        say("Send: \(message)")
        transport?.write(data)
        say("Close the client socket")
        transport?.close()
    }
}

/// A TCP echo server at 127.0.0.1, at port 8888 or the one that is given.
@main
struct TCPEchoServer {
    static func main() {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) } ?? 8888
        runMain {
            let server = try await getRunningLoop().createServer(host: "127.0.0.1", port: port) {
                EchoServerProtocol()
            }
            for socket in server.sockets { say("Serving on \(try socket.localAddress())") }
            try await server.withScope { try await server.serveForever() }
        }
    }
}

/// Prints a line, also when nobody sits at the other end.
func say(_ line: String) {
    print(line)
    fflush(nil)
}
