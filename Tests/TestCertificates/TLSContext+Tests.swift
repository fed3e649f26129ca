import ProactorTLS

extension TLSContext {
    package static func testServer(
        _ identity: TestIdentity = TestAuthority.shared.identity(),
        _ change: (inout TLSConfiguration) throws -> Void = { _ in }
    ) throws -> TLSContext {
        var configuration = TLSConfiguration()
        try change(&configuration)
        return try .server(
            certificateChain: .pem(identity.certificatePEM),
            privateKey: .pem(identity.keyPEM),
            configuration: configuration
        )
    }

    package static func testClient(
        trusting authority: TestAuthority = .shared,
        _ change: (inout TLSConfiguration) throws -> Void = { _ in }
    ) throws -> TLSContext {
        var configuration = TLSConfiguration()
        configuration.trust = try authority.trust
        try change(&configuration)
        return try .client(configuration)
    }
}
