import Proactor

/// A TCP echo client by streams for the server at 127.0.0.1, at port 8888 or the one that is given.
@main
struct StreamEchoClient {
    static func main() throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) } ?? 8888
        try run {
            let (reader, writer) = try await getRunningLoop().openConnection(host: "127.0.0.1", port: port)
            let message = "Hello World!"
            print("Send: \(message)")
            writer.write(message)
            let data = try await reader.read(upTo: 100)
            print("Received: \(String(decoding: data, as: UTF8.self))")
            print("Close the socket")
            writer.close()
            try await writer.waitClosed()
        }
    }
}
