import Glibc
import Proactor

/// Sends back what a client has sent first, and closes the connection.
nonisolated(nonsending) func echo(_ reader: StreamReader, _ writer: StreamWriter) async throws {
    let data = try await reader.read(upTo: 100)
    let message = String(decoding: data, as: UTF8.self)
    let peer = writer.extraInfo(.peerName)?.description ?? "somebody"
    say("Received \(message) from \(peer)")
    say("Send: \(message)")
    writer.write(data)
    try await writer.drain()
    say("Close the client socket")
    writer.close()
}

/// A TCP echo server by streams at 127.0.0.1, at port 8888 or the one that is given.
@main
struct StreamEchoServer {
    static func main() throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) } ?? 8888
        try run {
            let server = try await getRunningLoop().startServer(host: "127.0.0.1", port: port) {
                reader,
                writer in
                try await echo(reader, writer)
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
