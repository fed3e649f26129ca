#if NIO && BoringSSL
    import CTestCertificates
    import NIOCore
    import NIOSSL
    import Proactor
    import ProactorNIO
    import Testing

    /// SwiftNIO's TLS over these channels, at both ends.
    @Suite struct TLSTests {
        @Test(arguments: NIOLoopKind.allCases)
        func bytesOfAnySizePassAndTheEndIsClean(kind: NIOLoopKind) async throws {
            let identity = TestIdentity()
            let certificate = try NIOSSLCertificate(bytes: Array(identity.certificate.utf8), format: .pem)
            let authority = try NIOSSLCertificate(bytes: Array(identity.authority.utf8), format: .pem)
            let key = try NIOSSLPrivateKey(bytes: Array(identity.key.utf8), format: .pem)
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

    /// An authority, and a certificate for localhost that it has signed, with its key; as PEM.
    private struct TestIdentity {
        let authority: String
        let certificate: String
        let key: String

        init() {
            let authorityKey = ctest_key_create()
            let ownKey = ctest_key_create()
            let authority = Self.make("authority", isAuthority: true, authorityKey, nil, nil)
            let certificate = Self.make("localhost", isAuthority: false, ownKey, authority, authorityKey)
            defer {
                ctest_certificate_destroy(certificate)
                ctest_certificate_destroy(authority)
                ctest_key_destroy(ownKey)
                ctest_key_destroy(authorityKey)
            }
            self.authority = Self.take(ctest_certificate_pem(authority))
            self.certificate = Self.take(ctest_certificate_pem(certificate))
            key = Self.take(ctest_key_pem(ownKey, nil))
        }

        private static func make(
            _ name: String,
            isAuthority: Bool,
            _ key: OpaquePointer?,
            _ issuer: OpaquePointer?,
            _ issuerKey: OpaquePointer?
        ) -> OpaquePointer? {
            name.withCString { commonName in
                "DNS:localhost".withCString { names in
                    var request = ctest_request()
                    // The strings live for the call.
                    request.common_name = commonName
                    request.names = isAuthority ? nil : names
                    request.from = -3_600
                    request.until = 3_600
                    request.is_authority = isAuthority
                    return ctest_certificate_create(&request, key, issuer, issuerKey)
                }
            }
        }

        private static func take(_ text: UnsafeMutablePointer<CChar>?) -> String {
            defer { ctest_free(text) }
            return text.map { String(cString: $0) } ?? ""
        }
    }
#endif
