import Testing

@testable import Proactor

extension BaseEventLoop {
    /// Serves at a port of the kernel's choice on the loopback interface.
    func serve(
        startServing: Bool = true,
        _ factory: @escaping () throws -> any ConnectionProtocol
    ) throws -> Server {
        var options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
        options.startServing = startServing
        return try serve(options, factory)
    }

    func serve(_ options: ServerOptions, _ factory: @escaping () throws -> any ConnectionProtocol) throws
        -> Server
    {
        try run { try await self.createServer(options, protocolFactory: factory) }
    }

    func port(of server: Server) throws -> UInt16 {
        try #require(try server.sockets[0].localAddress().port)
    }
}
