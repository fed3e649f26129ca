import GRPCCore
import GRPCNIOTransportHTTP2Posix
import IntegrationOptions
import NIOPosix
import ProactorGRPC
import ProactorNIO

/// The echo service over SwiftNIO's loops or over swift-proactor's.
public struct EchoServer: Sendable {
    private let options: ServerOptions

    public init(_ options: ServerOptions) {
        self.options = options
    }

    /// Serves until `stop` returns, and then until the calls that are under way have ended. Cancelling ends them.
    ///
    /// - Parameters:
    ///   - whenListening: called once with the port when connections are accepted.
    ///   - stop: waits for whatever is to end the server.
    public func run(
        whenListening: @escaping @Sendable (_ port: Int) -> Void,
        until stop: @escaping @Sendable () async throws -> Void
    ) async throws {
        switch options.group {
        case .nio:
            let group = MultiThreadedEventLoopGroup(numberOfThreads: options.loops)
            let transport = HTTP2ServerTransport.Posix(
                address: .ipv4(host: options.host, port: options.port),
                transportSecurity: options.tls.map { files in
                    .tls(
                        certificateChain: [.file(path: files.certificate, format: .pem)],
                        privateKey: .file(path: files.key, format: .pem)
                    )
                } ?? .plaintext,
                eventLoopGroup: group
            )
            let result = await Self.outcome { try await serve(by: transport, whenListening, stop) }
            try await group.shutdownGracefully()
            try result.get()
        case .proactor, .proactorEpoll:
            let group = try options.group.makeProactorGroup(options.loops)
            let result = await Self.outcome {
                let transport = HTTP2ServerTransport.Proactor(
                    address: .ipv4(host: options.host, port: options.port),
                    security: try makeSecurity(),
                    group: group
                )
                try await serve(by: transport, whenListening, stop)
            }
            try await group.shutdownGracefully()
            try result.get()
        }
    }

    private func makeSecurity() throws -> ProactorTransportSecurity {
        guard let files = options.tls else { return .plaintext }
        return .tls(try files.makeServerConfiguration())
    }

    private func serve(
        by transport: some ListeningServerTransport,
        _ whenListening: @escaping @Sendable (_ port: Int) -> Void,
        _ stop: @escaping @Sendable () async throws -> Void
    ) async throws {
        let server = GRPCServer(transport: transport, services: [EchoService()])
        try await withThrowingTaskGroup { parts in
            parts.addTask { try await server.serve() }
            parts.addTask {
                if let port = try await transport.listeningAddress.ipv4?.port { whenListening(port) }
                try await stop()
                server.beginGracefulShutdown()
            }
            try await parts.waitForAll()
        }
    }

    private static func outcome(of body: () async throws -> Void) async -> Result<Void, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
