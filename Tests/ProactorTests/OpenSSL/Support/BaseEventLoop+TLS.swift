@testable import Proactor
@testable import ProactorTLS

extension BaseEventLoop {
    /// A server by streams at a port of the kernel's choice.
    nonisolated(nonsending) func startTestServer(
        _ context: TLSContext?,
        handler: @escaping StreamReaderProtocol.Handler
    ) async throws -> (server: Server, port: UInt16) {
        let server = try await startServer(host: "127.0.0.1", port: 0, tls: context) { reader, writer in
            try await handler(reader, writer)
        }
        return (server, try port(of: server))
    }

    /// A client's streams to the loopback address under a name.
    nonisolated(nonsending) func openTestConnection(
        _ port: UInt16,
        _ context: TLSContext,
        serverName: String = "localhost"
    ) async throws -> (reader: StreamReader, writer: StreamWriter) {
        try await openConnection(host: "127.0.0.1", port: port, tls: context, serverName: serverName)
    }
}

extension StreamWriter {
    /// Closes, and waits for the end.
    nonisolated(nonsending) func finish() async throws {
        close()
        try await waitClosed()
    }
}

extension Server {
    nonisolated(nonsending) func finish() async throws {
        close()
        try await waitClosed()
    }
}
