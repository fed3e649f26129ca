#if NIO && BoringSSL
    import NIOCore
    import NIOSSL
    import Proactor
    import ProactorNIO
    import TestCertificates
    import Testing

    /// SwiftNIO's TLS over these channels, at both ends.
    @Suite struct TLSTests {
        @Test(arguments: NIOLoopKind.allCases)
        func bytesOfAnySizePassAndTheEndIsClean(kind: NIOLoopKind) async throws {
            let identity = TestAuthority.shared.identity()
            let certificate = try NIOSSLCertificate(bytes: Array(identity.certificatePEM.utf8), format: .pem)
            let authority = try NIOSSLCertificate(
                bytes: Array(TestAuthority.shared.own.certificatePEM.utf8),
                format: .pem
            )
            let key = try NIOSSLPrivateKey(bytes: Array(identity.keyPEM.utf8), format: .pem)
            let serverContext = try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: [.certificate(certificate)],
                    privateKey: .privateKey(key)
                )
            )
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .certificates([authority])
            let clientContext = try NIOSSLContext(configuration: configuration)
            try await kind.withGroup(threads: 2) { group in
                let server = try await NIOProactorServerBootstrap(group: group)
                    .childChannelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            let tls = NIOSSLServerHandler(context: serverContext)
                            try channel.pipeline.syncOperations.addHandlers([tls, Echo()])
                        }
                    }
                    .bind(host: "127.0.0.1", port: 0).get()
                let recorder = Recorder()
                let client = try await NIOProactorClientBootstrap(group: group)
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            let tls = try NIOSSLClientHandler(
                                context: clientContext,
                                serverHostname: "localhost"
                            )
                            try channel.pipeline.syncOperations.addHandlers([tls, recorder])
                        }
                    }
                    .connect(to: #require(server.localAddress)).get()
                var sent = 0
                for size in [1, 64, 16_384, 300_000] {
                    sent += size
                    try await client.writeAndFlush(ByteBuffer(repeating: UInt8(ascii: "x"), count: size))
                    while recorder.text.utf8.count < sent { try await client.eventLoop.submit {}.get() }
                }
                #expect(recorder.text.utf8.count == sent)
                try await client.close()
                #expect(!recorder.events.contains { $0.hasPrefix("error") })
                #expect(recorder.events.suffix(2) == ["inactive", "unregistered"])
                try await server.close()
            }
        }
    }
#endif
