import Glibc
import Proactor
import ProactorTLS
import SystemPackage

/// A web server of one page: `ExampleHTTPSServer CHAIN KEY [PORT]`, at 127.0.0.1, port 8443 unless it says else. It reads its
/// certificate again when SIGHUP comes, and ends with SIGTERM or SIGINT.
@main
struct HTTPSServer {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 2 else { return print("usage: ExampleHTTPSServer CHAIN KEY [PORT]") }
        let port = arguments.dropFirst(2).first.flatMap { UInt16($0) } ?? 8443
        runMain {
            var configuration = TLSConfiguration()
            configuration.applicationProtocols = ["http/1.1"]
            let context = try TLSContext.server(
                certificateChain: .file(FilePath(arguments[0])),
                privateKey: .file(FilePath(arguments[1])),
                configuration: configuration
            )
            let loop = try getRunningLoop()
            try loop.addSignalHandler(.hangUp) {
                do {
                    try context.reload()
                    say("The certificate was renewed")
                } catch {
                    say("The former certificate stays: \(error)")
                }
            }
            let server = try await loop.startServer(host: "127.0.0.1", port: port, tls: context) {
                reader,
                writer in
                try await answer(reader, writer)
            }
            for socket in server.sockets { say("Serving on \(try socket.localAddress())") }
            let summary = try await server.serve(until: [.terminate, .interrupt], grace: .seconds(2))
            say("The end: \(summary)")
        }
    }

    /// One request for each connection.
    static nonisolated(nonsending) func answer(_ reader: StreamReader, _ writer: StreamWriter) async throws {
        let head = String(decoding: try await reader.readUntil("\r\n\r\n"), as: UTF8.self)
        let request = head.prefix { !$0.isNewline }
        let version = writer.extraInfo(.tlsProtocolVersion) ?? "plain"
        let page = "You asked \(request) over \(version).\n"
        writer.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: \(page.utf8.count)\r\n")
        writer.write("Connection: close\r\n\r\n\(page)")
        // Says close_notify: without it the client could not tell an end from a cut.
        writer.close()
        try await writer.waitClosed()
    }
}

/// Prints a line at once, also when nobody sits at the other end.
func say(_ line: String) {
    print(line)
    fflush(nil)
}
