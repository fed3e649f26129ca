import Glibc
import Proactor
import SystemPackage

/// asynchat's request handler: first the headers, up to an empty line, then a body of as many bytes as they say.
final class RequestHandler: AsyncChat {
    private var input: [UInt8] = []
    private var request: (operation: String, path: String) = ("", "")
    private var readsHeaders = true
    private var isHandling = false

    override init(socket: FileDescriptor, map: DispatcherMap) throws {
        try super.init(socket: socket, map: map)
        try setTerminator(.bytes(Array("\r\n\r\n".utf8)))
    }

    override func collectIncomingData(_ data: [UInt8]) {
        input += data
    }

    override func foundTerminator() throws {
        if readsHeaders {
            readsHeaders = false
            let headers = String(decoding: input, as: UTF8.self)
            input = []
            let length = parse(headers)
            if request.operation == "POST", length > 0 { return try setTerminator(.count(length)) }
        }
        guard !isHandling else { return }
        // Browsers sometimes send more than they should.
        try setTerminator(.none)
        isHandling = true
        try handleRequest()
    }

    /// Returns the body's length.
    private func parse(_ headers: String) -> Int {
        let lines = headers.split(separator: "\r\n")
        let words = (lines.first ?? "").split(separator: " ").map(String.init)
        if words.count >= 2 { request = (words[0].uppercased(), words[1]) }
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "content-length" else { continue }
            return Int(parts[1].drop { $0 == " " }) ?? 0
        }
        return 0
    }

    private func handleRequest() throws {
        let body = "\(request.operation) of \(request.path) with \(input.count) bytes\n"
        try push("HTTP/1.0 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
        try push(body)
        try closeWhenDone()
    }
}

/// Makes a handler for each connection.
final class RequestServer: Dispatcher {
    init(_ address: SocketAddress, map: DispatcherMap) throws {
        super.init(map: map)
        try createSocket()
        try setReuseAddress()
        try bind(address)
        try listen()
    }

    override func handleAccepted(_ socket: FileDescriptor, _ address: SocketAddress?) throws {
        _ = try RequestHandler(socket: socket, map: map)
    }
}

/// Serves at 127.0.0.1, at port 8080 or the one that is given.
@main
struct ChatRequestHandler {
    static func main() throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) } ?? 8080
        let loop = try newEventLoop()
        defer { try? loop.close() }
        let map = try DispatcherMap(of: loop)
        let server = try RequestServer(.ipv4(.loopback, port: port), map: map)
        try loop.addSignalHandler(.terminate) { map.closeAll() }
        print("Serving on \(server.address?.description ?? "nothing")")
        fflush(nil)
        try map.loop()
    }
}
