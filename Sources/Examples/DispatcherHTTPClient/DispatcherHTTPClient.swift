import Proactor

/// asyncore's HTTP client: it sends a request and prints what comes.
final class HTTPClient: Dispatcher {
    private var buffer: [UInt8]

    init(_ address: SocketAddress, host: String, path: String, map: DispatcherMap) throws {
        buffer = Array("GET \(path) HTTP/1.0\r\nHost: \(host)\r\n\r\n".utf8)
        super.init(map: map)
        try createSocket(address.family)
        try connect(to: address)
    }

    override func handleRead() throws {
        print(String(decoding: try recv(8192), as: UTF8.self), terminator: "")
    }

    override func writable() -> Bool { !buffer.isEmpty }

    override func handleWrite() throws {
        buffer.removeFirst(try send(buffer))
    }
}

/// Prints a page: `ExampleDispatcherHTTPClient HOST PORT PATH`.
@main
struct DispatcherHTTPClient {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let host = arguments.first ?? "127.0.0.1"
        let port = arguments.dropFirst().first ?? "80"
        let path = arguments.dropFirst(2).first ?? "/"
        let loop = try newEventLoop()
        defer { try? loop.close() }
        let found = try loop.runUntilComplete {
            try await getRunningLoop().getaddrinfo(host: host, service: port, type: .stream)
        }
        guard let address = found.first?.address else { return }
        let map = try DispatcherMap(of: loop)
        _ = try HTTPClient(address, host: host, path: path, map: map)
        try map.loop()
    }
}
