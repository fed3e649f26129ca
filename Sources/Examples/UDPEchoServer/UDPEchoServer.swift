import Glibc
import Proactor

/// Sends each datagram back to where it came from.
final class EchoServerProtocol: DatagramProtocol {
    private var transport: (any DatagramTransport)?

    func connectionMade(_ transport: any DatagramTransport) {
        self.transport = transport
    }

    func datagramReceived(_ data: RawSpan, from source: SocketAddress) throws {
        let message = String(decoding: data, as: UTF8.self)
        say("Received \(message) from \(source)")
        say("Send \(message) to \(source)")
        try transport?.sendTo(data, source)
    }
}

/// A UDP echo server at 127.0.0.1, at port 9999 or the one that is given, for an hour.
@main
struct UDPEchoServer {
    static func main() throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) } ?? 9999
        try run {
            let (transport, _) = try await getRunningLoop().createDatagramEndpoint(
                localAddress: ("127.0.0.1", port)
            ) { EchoServerProtocol() }
            defer { transport.close() }
            if let address = transport.extraInfo(.socketName) { say("Serving on \(address)") }
            try await Task.sleep(for: .seconds(3600))
        }
    }
}

/// Prints a line, also when nobody sits at the other end.
func say(_ line: String) {
    print(line)
    fflush(nil)
}
