import Foundation
import Proactor
import SystemPackage
import TestCertificates
import Testing

@testable import ProactorTLS

struct OpenSSLContextTests {
    private let identity = TestAuthority.shared.identity()

    private func reason(_ make: () throws -> TLSContext) -> TLSError.Reason? {
        let error = #expect(throws: TLSError.self) { try make() }
        #expect(error?.step == .context)
        return error?.reason
    }

    private func isInvalid(_ make: () throws -> TLSContext) -> Bool {
        guard case .invalidSetting(let what) = reason(make) else { return false }
        return what.count > 20
    }

    private func connects(_ server: TLSContext, _ client: TLSContext? = nil) throws {
        let pair = try MemoryPair.established(client ?? .testClient(), server)
        #expect(pair.server.isEstablished)
    }

    // MARK: Where certificates and keys come from

    @Test func certificatesAndKeysComeFromMemory() throws {
        let (pem, der) = (identity.certificatePEM, try identity.parsed.bytes)
        try connects(.server(certificateChain: .pem(pem), privateKey: .pem(identity.keyPEM)))
        try connects(.server(certificateChain: .der(der), privateKey: .der(identity.keyDER())))
        let encrypted = identity.keyPEM(passphrase: "open sesame")
        #expect(encrypted.contains("ENCRYPTED"))
        try connects(
            .server(certificateChain: .pem(pem), privateKey: .pem(encrypted, passphrase: "open sesame"))
        )
        try connects(
            .server(
                certificateChain: .certificates([try identity.parsed]),
                privateKey: .der(identity.keyDER(passphrase: "pass"), passphrase: "pass")
            )
        )
        // Both in one text, as some programs keep them.
        try connects(
            .server(certificateChain: .pem(identity.keyPEM + pem), privateKey: .pem(pem + identity.keyPEM))
        )
    }

    @Test func certificatesAndKeysComeFromFiles() throws {
        let folder = try TestDirectory()
        let chain = try folder.write("chain.pem", identity.certificatePEM)
        let key = try folder.write("key.pem", identity.keyPEM)
        let derChain = try folder.write("chain.der", try identity.parsed.bytes)
        let derKey = try folder.write("key.der", identity.keyDER())
        try connects(.server(certificateChain: .file(chain), privateKey: .file(key)))
        try connects(.server(certificateChain: .file(derChain), privateKey: .file(derKey)))
        let authority = try folder.write("authority.pem", TestAuthority.shared.own.certificatePEM)
        #expect(try TLSCertificate.certificates(inFile: authority) == [try TestAuthority.shared.own.parsed])
        try connects(.testServer(identity), .testClient { $0.trust = .file(authority) })
    }

    @Test func aFolderOfAuthoritiesIsTrusted() throws {
        for name in ["authority.pem", "\(String(format: "%08x", TestAuthority.shared.own.hash)).0"] {
            let folder = try TestDirectory()
            _ = try folder.write(name, TestAuthority.shared.own.certificatePEM)
            _ = try folder.write("README", "not a certificate")
            try connects(.testServer(identity), .testClient { $0.trust = .folder(FilePath(folder.path)) })
            let pair = try MemoryPair(
                .testClient { $0.trust = .folder(FilePath(folder.path)) },
                .testServer(TestAuthority.stranger.identity())
            )
            pair.run()
            #expect(pair.client.error?.reason == .unknownAuthority)
        }
    }

    @Test func theSystemsAuthoritiesAreFoundInFoldersOrFiles() throws {
        let folder = try TestDirectory()
        let bundle = try folder.write(
            "bundle",
            TestAuthority.shared.own.certificatePEM + TestAuthority.stranger.own.certificatePEM
        )
        #expect(
            try OpenSSLTrust.ofSystem(folders: [], files: ["/nonexistent", bundle]).certificates.count == 2
        )
        let hashed = try TestDirectory()
        _ = try hashed.write(
            "\(String(format: "%08x", TestAuthority.shared.own.hash)).0",
            TestAuthority.shared.own.certificatePEM
        )
        #expect(
            try OpenSSLTrust.ofSystem(folders: ["/nonexistent", FilePath(hashed.path)], files: [bundle])
                .certificates.isEmpty
        )
        let error = #expect(throws: TLSError.self) {
            try OpenSSLTrust.ofSystem(folders: [], files: ["/nonexistent"])
        }
        #expect(error?.description.contains("ca-certificates") == true)
    }

    /// Where there are none, nothing can be shared.
    @Test(.enabled(if: (try? OpenSSLTrust.system.get()) != nil))
    func theSystemsTrustIsShared() throws {
        let (one, other) = (try TLSContext.client(), try TLSContext.client())
        #expect(one !== other)
        #expect(try TLSTrust.system.make() === TLSTrust.system.make())
        let pair = try MemoryPair(one, .testServer(identity))
        pair.run()
        #expect(pair.client.error?.reason == .unknownAuthority)
    }

    // MARK: Bad input

    @Test func whatCannotBeReadIsNamed() throws {
        let folder = try TestDirectory()
        let missing = FilePath(folder.path(of: "missing.pem"))
        let junk = try folder.write("junk.pem", "junk")
        let broken = try folder.write(
            "broken.pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        )
        let key = TLSPrivateKey.pem(identity.keyPEM)
        for path in [missing, junk, broken, FilePath(folder.path)] {
            #expect(
                reason { try .server(certificateChain: .file(path), privateKey: key) }
                    == .unreadable(path.string)
            )
            #expect(
                reason {
                    try .server(certificateChain: .pem(identity.certificatePEM), privateKey: .file(path))
                }
                    == .unreadable(path.string)
            )
            #expect(reason { try .testClient { $0.trust = .file(path) } } == .unreadable(path.string))
        }
        #expect(reason { try .testClient { $0.trust = .folder(missing) } } == .unreadable(missing.string))
        let error = #expect(throws: TLSError.self) { try TLSCertificate.certificates(inFile: missing) }
        #expect(error?.description.contains("No such file") == true)
        #expect(throws: TLSError.self) { try TLSCertificate([]) }
        #expect(throws: TLSError.self) { try TLSCertificate([1, 2, 3]) }
    }

    @Test func aPassphraseIsMissedOrWrong() throws {
        let chain = TLSCertificateSource.pem(identity.certificatePEM)
        for key in [
            TLSPrivateKey.pem(identity.keyPEM(passphrase: "right")),
            .pem(identity.keyPEM(passphrase: "right"), passphrase: "wrong"),
            .der(identity.keyDER(passphrase: "right")),
            .der(identity.keyDER(passphrase: "right"), passphrase: "wrong"),
            .pem(identity.keyPEM(passphrase: "right"), passphrase: String(repeating: "long", count: 1_000)),
        ] {
            let error = #expect(throws: TLSError.self) {
                try TLSContext.server(certificateChain: chain, privateKey: key)
            }
            #expect(error?.reason == .unreadable("a private key in memory"))
            #expect(error?.detail.contains("passphrase") == true)
            #expect("\(key)" == "a private key in memory")
        }
    }

    /// C would take the part before a zero byte, and so another passphrase or cipher than was given.
    @Test func whatHoldsAZeroByteIsRefused() throws {
        let key = TLSPrivateKey.pem(identity.keyPEM(passphrase: "right"), passphrase: "right\0wrong")
        #expect(
            isInvalid { try .server(certificateChain: .pem(identity.certificatePEM), privateKey: key) }
        )
        let cipher = "ECDHE-ECDSA-AES128-GCM-SHA256"
        #expect(isInvalid { try .testClient { $0.ciphers = ["\(cipher)\0ROT13"] } })
        #expect(isInvalid { try .testClient { $0.ciphers = [cipher, "!aNULL\0"] } })
        #expect(isInvalid { try .testClient { $0.cipherSuites = ["TLS_AES_128_GCM_SHA256\0"] } })
        #expect(isInvalid { try .testClient { $0.groups = ["P-256\0"] } })
    }

    @Test func aKeyHasToFit() throws {
        let other = TestAuthority.shared.identity()
        #expect(
            reason {
                try .server(certificateChain: .pem(identity.certificatePEM), privateKey: .pem(other.keyPEM))
            }
                == .keyDoesNotFit
        )
    }

    @Test func anExpiredCertificateOfOnesOwnIsTaken() throws {
        _ = try TLSContext.testServer(TestAuthority.shared.identity(days: -9 ... -1))
    }

    @Test func settingsThatMakeNoSenseAreRefused() throws {
        let chain = TLSCertificateSource.pem(identity.certificatePEM)
        let server = try TLSContext.testServer(identity)
        #expect(isInvalid { try .testClient { $0.applicationProtocols = ["h2", ""] } })
        #expect(
            isInvalid { try .testClient { $0.applicationProtocols = [String(repeating: "x", count: 256)] } }
        )
        #expect(isInvalid { try .testClient { $0.ciphers = ["ECDHE-ECDSA-AES128-GCM-SHA256", "ROT13"] } })
        #expect(isInvalid { try .testClient { $0.ciphers = [""] } })
        #expect(isInvalid { try .testClient { $0.cipherSuites = ["TLS_AES_128_GCM_SHA256", "TLS_ROT13"] } })
        #expect(isInvalid { try .testClient { $0.groups = ["P-256", "P-1"] } })
        #expect(isInvalid { try .testClient { $0.trust = .certificates([]) } })
        #expect(isInvalid { try .testClient { $0.certificateChain = chain } })
        #expect(isInvalid { try .testClient { $0.privateKey = .pem(identity.keyPEM) } })
        #expect(isInvalid { try .testClient { $0.clientCertificates = .required } })
        #expect(isInvalid { try .testClient { $0.chooseContext = { _ in server } } })
        #expect(isInvalid { try .testClient { $0.rememberedServers = -1 } })
        #expect(isInvalid { try .testServer(identity) { $0.ticketCount = -1 } })
        #expect(isInvalid { try .testServer(identity) { $0.ticketCount = 1_000 } })
        #expect(
            isInvalid { try .server(certificateChain: .certificates([]), privateKey: .pem(identity.keyPEM)) }
        )
        #expect(
            isInvalid {
                try .testClient { configuration in
                    configuration.minimumVersion = .tls13
                    configuration.maximumVersion = .tls12
                }
            }
        )
        let folder = try TestDirectory()
        #expect(isInvalid { try .testClient { $0.trust = .folder(FilePath(folder.path)) } })
    }

    @Test func aConnectionNeedsTheRightSideAndAName() throws {
        let (client, server) = (try TLSContext.testClient(), try TLSContext.testServer(identity))
        for (context, side) in [(client, TLSSide.server), (server, .client)] {
            let error = #expect(throws: TLSError.self) {
                try context.makeEngine(side: side, serverName: "localhost")
            }
            #expect(error?.description.contains("TLSContext.\(side)") == true)
        }
        for name in [nil, "", "no name"] {
            #expect(throws: TLSError.self) { try client.makeEngine(side: .client, serverName: name) }
        }
        #expect(throws: Never.self) { try server.makeEngine(side: .server, serverName: nil) }
    }

    @Test func everyErrorIsASentence() {
        let reasons: [TLSError.Reason] = [
            .certificateExpired, .certificateNotYetValid, .wrongName("example.com"), .unknownAuthority,
            .certificateRefused,
            .noCertificate, .notTLS, .nothingInCommon, .noApplicationProtocol, .alert(48), .alert(200),
            .endOfStream,
            .truncated, .timedOut(.seconds(60)), .brokenRecord, .unreadable("/a/path"), .keyDoesNotFit,
            .invalidSetting("this"), .other,
        ]
        let texts = reasons.map { TLSError(.handshake, $0, side: .client, detail: "words").description }
        #expect(Set(texts).count == texts.count)
        for text in texts {
            #expect(text.hasPrefix("the TLS handshake failed (as the client): "))
            #expect(text.hasSuffix(" [words]"))
        }
    }
}
