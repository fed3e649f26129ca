import Glibc
import Proactor
import SystemPackage

/// asyncore's echo server: sends back what comes.
final class EchoHandler: DispatcherWithSend {
    override func handleRead() throws {
        let data = try recv(8192)
        if !data.isEmpty { try send(data) }
    }
}

/// Makes a handler for each connection.
final class EchoServer: Dispatcher {
    init(_ address: SocketAddress, map: DispatcherMap) throws {
        super.init(map: map)
        try createSocket()
        try setReuseAddress()
        try bind(address)
        try listen(5)
    }

    override func handleAccepted(_ socket: FileDescriptor, _ address: SocketAddress?) throws {
        say("Incoming connection from \(address?.description ?? "somebody")")
        _ = try EchoHandler(socket: socket, map: map)
    }
}

/// Serves at 127.0.0.1, at port 8080 or the one that is given.
@main
struct DispatcherEchoServer {
    static func main() throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) } ?? 8080
        let loop = try newEventLoop()
        defer { try? loop.close() }
        let map = try DispatcherMap(of: loop)
        let server = try EchoServer(.ipv4(.loopback, port: port), map: map)
        try loop.addSignalHandler(.terminate) { map.closeAll() }
        say("Serving on \(server.address?.description ?? "nothing")")
        try map.loop()
    }
}

/// Prints a line, also when nobody sits at the other end.
func say(_ line: String) {
    print(line)
    fflush(nil)
}
