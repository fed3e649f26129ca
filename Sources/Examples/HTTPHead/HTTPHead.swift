import Proactor

/// Prints the header of what a web server has: `ExampleHTTPHead example.com 80 /`.
@main
struct HTTPHead {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        let host = arguments.first ?? "127.0.0.1"
        let port = arguments.dropFirst().first.flatMap { UInt16($0) } ?? 80
        let path = arguments.dropFirst(2).first ?? "/"
        try run {
            try await getRunningLoop().withConnection(host: host, port: port) { reader, writer in
                writer.write("HEAD \(path) HTTP/1.0\r\nHost: \(host)\r\n\r\n")
                for try await line in reader.lines {
                    let text = String(decoding: line, as: UTF8.self).filter { !$0.isNewline }
                    // An empty line ends the header.
                    if text.isEmpty { break }
                    print("HTTP header> \(text)")
                }
            }
        }
    }
}
