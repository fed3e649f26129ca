import Glibc
import Proactor
import ProactorTLS
import SystemPackage

/// A conversation that begins in plain and goes on encrypted, as mail servers have it:
/// `ExampleStartTLS server CHAIN KEY [PORT]` and `ExampleStartTLS client AUTHORITIES [PORT]`.
@main
struct StartTLS {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("server", 3...):
            let port = arguments.dropFirst(3).first.flatMap { UInt16($0) } ?? 2525
            try serve(chain: FilePath(arguments[1]), key: FilePath(arguments[2]), port)
        case ("client", 2...):
            let port = arguments.dropFirst(2).first.flatMap { UInt16($0) } ?? 2525
            try greet(authorities: FilePath(arguments[1]), port)
        default:
            print("usage: ExampleStartTLS server CHAIN KEY [PORT] | client AUTHORITIES [PORT]")
        }
    }

    static func serve(chain: FilePath, key: FilePath, _ port: UInt16) throws {
        let context = try TLSContext.server(certificateChain: .file(chain), privateKey: .file(key))
        runMain {
            let server = try await getRunningLoop().startServer(host: "127.0.0.1", port: port) {
                reader,
                writer in
                try await converse(reader, writer, context)
            }
            for socket in server.sockets { print("Serving on \(try socket.localAddress())") }
            fflush(nil)
            _ = try await server.serve(until: [.terminate, .interrupt], grace: .seconds(2))
        }
    }

    static nonisolated(nonsending) func converse(
        _ reader: StreamReader,
        _ writer: StreamWriter,
        _ context: TLSContext
    ) async throws {
        var isEncrypted = false
        writer.write("220 example ready\r\n")
        for try await line in reader.lines {
            switch String(decoding: line, as: UTF8.self).filter({ !$0.isNewline }).uppercased() {
            case "STARTTLS" where !isEncrypted:
                writer.write("220 go ahead\r\n")
                // Nothing that came in plain behind the word is taken for something that was encrypted.
                try await writer.startTLS(context)
                isEncrypted = true
            case "EHLO": writer.write(isEncrypted ? "250 welcome, nobody listens\r\n" : "250 STARTTLS\r\n")
            case "QUIT":
                writer.write("221 bye\r\n")
                writer.close()
            default: writer.write("500 what is that?\r\n")
            }
        }
        writer.close()
        try await writer.waitClosed()
    }

    static func greet(authorities: FilePath, _ port: UInt16) throws {
        var configuration = TLSConfiguration()
        configuration.trust = .file(authorities)
        let context = try TLSContext.client(configuration)
        try run {
            let (reader, writer) = try await getRunningLoop().openConnection(host: "127.0.0.1", port: port)
            print(try await line(reader))
            try await print(ask("EHLO", reader, writer))
            try await print(ask("STARTTLS", reader, writer))
            try await writer.startTLS(context, serverName: "localhost")
            print(writer.extraInfo(.tlsProtocolVersion) ?? "plain")
            try await print(ask("EHLO", reader, writer))
            try await print(ask("QUIT", reader, writer))
            writer.close()
            try await writer.waitClosed()
        }
    }

    static nonisolated(nonsending) func ask(
        _ word: String,
        _ reader: StreamReader,
        _ writer: StreamWriter
    ) async throws -> String {
        writer.write("\(word)\r\n")
        return try await line(reader)
    }

    static nonisolated(nonsending) func line(_ reader: StreamReader) async throws -> String {
        String(decoding: try await reader.readLine(), as: UTF8.self).filter { !$0.isNewline }
    }
}
