import Proactor
import ProactorTLS
import TestCertificates
import Testing

struct OpenSSLVerificationTests {
    private func clientsError(
        _ identity: TestIdentity,
        serverName: String? = "localhost",
        trusting authority: TestAuthority = .shared,
        _ change: (inout TLSConfiguration) throws -> Void = { _ in }
    ) throws -> TLSError? {
        let pair = try MemoryPair(
            .testClient(trusting: authority, change),
            .testServer(identity),
            serverName: serverName
        )
        pair.run()
        if pair.client.error != nil {
            // The server is told, and not left to wait.
            guard case .alert = pair.server.error?.reason else {
                Issue.record("the server has \(String(describing: pair.server.error))")
                return pair.client.error
            }
        } else {
            #expect(pair.client.isEstablished)
        }
        return pair.client.error
    }

    // Pitfall 60.
    @Test(arguments: [
        ("localhost", true), ("LOCALHOST", true), ("localhost.", true), ("example.com", true),
        ("www.example.com", false),
        ("a.wild.example.com", true), ("b.WILD.example.com.", true), ("a.b.wild.example.com", false),
        ("wild.example.com", false), ("xn--bcher-kva.wild.example.com", true),
        ("bücher.wild.example.com", true),
        ("bücher.example", true), ("127.0.0.1", true), ("127.1", true), ("127.0.0.2", false), ("::1", true),
        ("::2", false),
        ("::ffff:127.0.0.1", false), ("fo.partial.example.com", false), ("foo.partial.example.com", false),
        ("example.org", false), ("10.0.0.1", false), ("only-common-name.example", false), ("com", false),
    ])
    func namesAreVerified(name: String, isGood: Bool) throws {
        let identity = TestAuthority.shared.identity(
            "only-common-name.example",
            // An address among the host names is none.
            names:
                "DNS:localhost,DNS:example.com,DNS:*.wild.example.com,DNS:f*.partial.example.com,DNS:10.0.0.1,"
                + "DNS:xn--bcher-kva.example,IP:127.0.0.1,IP:::1"
        )
        let error = try clientsError(identity, serverName: name)
        if isGood {
            #expect(error == nil)
        } else {
            guard case .wrongName = error?.reason else {
                Issue.record("\(name): \(String(describing: error))")
                return
            }
            #expect(error?.description.contains("localhost, example.com") == true)
        }
    }

    @Test func aCertificateWithoutNamesIsForNobody() throws {
        let identity = TestAuthority.shared.identity("localhost", names: nil)
        #expect(try clientsError(identity)?.reason == .wrongName("localhost"))
        #expect(try clientsError(identity) { $0.serverVerification = .chain } == nil)
    }

    @Test func eachFaultOfACertificateIsToldApart() throws {
        let authority = TestAuthority.shared
        let expired = authority.identity(days: -30 ... -1)
        let early = authority.identity(days: 1...30)
        #expect(try clientsError(expired)?.reason == .certificateExpired)
        #expect(try clientsError(early)?.reason == .certificateNotYetValid)
        #expect(try clientsError(TestAuthority.stranger.identity())?.reason == .unknownAuthority)
        #expect(try clientsError(authority.identity(usage: "clientAuth"))?.reason == .certificateRefused)
        #expect(try clientsError(TestAuthority.selfSigned())?.reason == .unknownAuthority)
        for error in [try clientsError(expired), try clientsError(early)] {
            #expect(error?.side == .client)
            #expect(error?.step == .handshake)
            #expect(error?.description.contains("clock") == true)
        }
    }

    @Test func whoVerifiesNothingTakesAll() throws {
        for identity in [
            TestAuthority.stranger.identity(), TestAuthority.shared.identity(days: -30 ... -1),
        ] {
            #expect(
                try clientsError(identity, serverName: "elsewhere") { $0.serverVerification = .nothing }
                    == nil
            )
            #expect(try clientsError(identity, serverName: nil) { $0.serverVerification = .nothing } == nil)
        }
        #expect(
            try clientsError(TestAuthority.shared.identity(), serverName: "elsewhere") {
                $0.serverVerification = .chain
            } == nil
        )
        #expect(
            try clientsError(TestAuthority.stranger.identity(), serverName: nil) {
                $0.serverVerification = .chain
            }?.reason
                == .unknownAuthority
        )
    }

    @Test func aTrustedLeafIsTrustedForItself() throws {
        let stranger = TestAuthority.stranger.identity()
        #expect(try clientsError(stranger) { $0.trust = .certificates([try stranger.parsed]) } == nil)
        #expect(
            try clientsError(TestAuthority.stranger.identity()) {
                $0.trust = .certificates([try stranger.parsed])
            }?.reason
                == .unknownAuthority
        )
    }

    @Test func aChainIsSentWhole() throws {
        let between = TestAuthority(named: "between", signedBy: TestAuthority.shared.own)
        let leaf = between.identity()
        #expect(try clientsError(leaf)?.reason == .unknownAuthority)
        let server = try TLSContext.server(
            certificateChain: .pem(leaf.certificatePEM + between.own.certificatePEM),
            privateKey: .pem(leaf.keyPEM)
        )
        let pair = try MemoryPair.established(.testClient(), server)
        #expect(pair.client.info(.tlsPeerCertificateChain) == [try leaf.parsed, try between.own.parsed])
    }

    @Test func aPeersCertificateIsShown() throws {
        let identity = TestAuthority.shared.identity("Zoë")
        let pair = try MemoryPair.established(.testClient(), .testServer(identity))
        let certificate = try #require(pair.client.info(.tlsPeerCertificate))
        #expect(certificate == (try identity.parsed))
        #expect(certificate.subject == "CN=Zoë")
        #expect(certificate.issuer == "CN=Proactor's tests")
        #expect(certificate.hostNames == ["localhost", "example.com", "*.wild.example.com"])
        #expect(certificate.addresses == ["127.0.0.1", "::1"])
        #expect(certificate.validUntil - certificate.validFrom == .seconds(31 * 86_400))
        #expect(certificate.bytes.count > 200)
        #expect("\(certificate)".contains("localhost"))
    }

    // MARK: Clients' certificates

    @Test(arguments: TLSVersion.allCases)
    func clientsAreAskedOrMadeToShowACertificate(version: TLSVersion) throws {
        let identity = TestAuthority.shared.identity("a client", usage: "clientAuth")
        for wanted in [TLSConfiguration.ClientCertificates.notAskedFor, .askedFor, .required] {
            let server = try TLSContext.testServer { configuration in
                configuration.clientCertificates = wanted
                configuration.trust = try TestAuthority.shared.trust
            }
            let pair = try MemoryPair.established(
                .testClient { configuration in
                    configuration.maximumVersion = version
                    configuration.certificateChain = .pem(identity.certificatePEM)
                    configuration.privateKey = .pem(identity.keyPEM)
                },
                server
            )
            let shown = wanted == .notAskedFor ? nil : try identity.parsed
            #expect(pair.server.info(.tlsPeerCertificate) == shown)
            #expect(pair.server.info(.tlsPeerCertificateChain) == shown.map { [$0] })
            let without = try MemoryPair(.testClient { $0.maximumVersion = version }, server)
            without.run()
            #expect((without.server.error == nil) == (wanted != .required))
            if wanted == .required {
                #expect(without.server.error?.reason == .noCertificate)
                // To a client of TLS 1.3 it shows behind its handshake.
                #expect(without.client.error?.reason == .alert(version == .tls13 ? 116 : 40))
                #expect(without.client.error?.step == (version == .tls13 ? .receive : .handshake))
                #expect(without.client.error?.description.contains("wants a certificate") == true)
            }
        }
    }

    @Test(arguments: TLSVersion.allCases)
    func aClientsBadCertificateIsRefused(version: TLSVersion) throws {
        let server = try TLSContext.testServer { configuration in
            configuration.clientCertificates = .askedFor
            configuration.trust = try TestAuthority.shared.trust
        }
        let cases: [(TestIdentity, TLSError.Reason, UInt8)] = [
            (TestAuthority.stranger.identity(), .unknownAuthority, 48),
            (TestAuthority.shared.identity(days: -9 ... -1), .certificateExpired, 45),
        ]
        for (identity, reason, alert) in cases {
            let pair = try MemoryPair(
                .testClient { configuration in
                    configuration.maximumVersion = version
                    configuration.certificateChain = .pem(identity.certificatePEM)
                    configuration.privateKey = .pem(identity.keyPEM)
                },
                server
            )
            pair.run()
            #expect(pair.server.error?.reason == reason)
            #expect(pair.server.error?.side == .server)
            #expect(pair.client.error?.reason == .alert(alert))
        }
    }
}
