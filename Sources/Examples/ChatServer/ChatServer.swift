import Glibc
import Proactor

/// Who is in the room. Everybody has a name, which is the first line that they send.
final class Room {
    private var members: [String: StreamWriter] = [:]

    /// Serves one connection: a protocol of lines.
    nonisolated(nonsending) func serve(_ reader: StreamReader, _ writer: StreamWriter) async throws {
        defer { writer.close() }
        writer.write("What is your name?\n")
        let name = try await line(from: reader)
        guard !name.isEmpty, members[name] == nil else { return writer.write("That name is taken.\n") }
        members[name] = writer
        tell("\(name) has come in")
        defer {
            members[name] = nil
            tell("\(name) has left")
        }
        while true {
            let said = try await line(from: reader)
            if said.isEmpty || said == "/quit" { return }
            tell("\(name): \(said)")
        }
    }

    /// The next line without its end; nothing at the end of the connection.
    private nonisolated(nonsending) func line(from reader: StreamReader) async throws -> String {
        try await reader.readLine { bytes in
            String(decoding: bytes, as: UTF8.self).filter { !$0.isNewline }
        }
    }

    /// Nobody waits for a slow member: who does not read is put out instead.
    private func tell(_ text: String) {
        say(text)
        for (name, writer) in members {
            if writer.transport.writeBufferSize > 1 << 20 { writer.transport.abort() }
            writer.write("\(text)\n")
            if writer.isClosing { members[name] = nil }
        }
    }
}

/// A chat server at 127.0.0.1, at port 8888 or the one that is given: try it with `nc 127.0.0.1 8888`.
@main
struct ChatServer {
    static func main() throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) } ?? 8888
        try run {
            let room = Room()
            let server = try await getRunningLoop().startServer(host: "127.0.0.1", port: port) {
                reader,
                writer in
                try await room.serve(reader, writer)
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
