import Proactor
import TestCertificates
import Testing

@testable import ProactorTLS

struct OpenSSLResumptionTests {
    private func client(_ version: TLSVersion, remembered: Int = 256) throws -> TLSContext {
        try .testClient { configuration in
            configuration.maximumVersion = version
            configuration.rememberedServers = remembered
        }
    }

    private func isResumed(_ client: TLSContext, _ server: TLSContext, serverName: String = "localhost")
        throws -> Bool?
    {
        let pair = try MemoryPair.established(client, server, serverName: serverName)
        try pair.client.seal("ping")
        try pair.server.seal("pong")
        pair.run()
        #expect(pair.client.text == "pong")
        #expect(pair.server.text == "ping")
        let resumed = pair.client.info(.tlsSessionWasResumed)
        #expect(pair.server.info(.tlsSessionWasResumed) == resumed)
        // Also a resumed connection knows whom it talks to.
        #expect(pair.client.info(.tlsPeerCertificate) != nil)
        return resumed
    }

    @Test(arguments: TLSVersion.allCases)
    func aSecondConnectionResumes(version: TLSVersion) throws {
        let (client, server) = (try client(version), try TLSContext.testServer())
        #expect(try isResumed(client, server) == false)
        for _ in 0..<5 { #expect(try isResumed(client, server) == true) }
        #expect(try isResumed(client, server, serverName: "example.com") == false)
        #expect(try isResumed(client, server, serverName: "127.0.0.1") == false)
        #expect(try isResumed(client, server, serverName: "127.0.0.1") == true)
        #expect(try isResumed(self.client(version), server) == false)
    }

    @Test(arguments: TLSVersion.allCases)
    func whoEndsWithoutACloseCanBeResumed(version: TLSVersion) throws {
        let (client, server) = (try client(version), try TLSContext.testServer())
        do {
            let pair = try MemoryPair.established(client, server)
            #expect(pair.client.isEstablished)
        }
        #expect(try isResumed(client, server) == true)
    }

    @Test(arguments: TLSVersion.allCases)
    func ticketsAndMemoryCanBeSwitchedOff(version: TLSVersion) throws {
        let server = try TLSContext.testServer()
        let forgetful = try client(version, remembered: 0)
        let mute = try TLSContext.testServer { $0.ticketCount = 0 }
        let client = try client(version)
        for _ in 0..<3 {
            #expect(try isResumed(forgetful, server) == false)
            #expect(try isResumed(client, mute) == false)
        }
        #expect(client.sessions.isEmpty)
    }

    @Test(arguments: TLSVersion.allCases)
    func aStrangersTicketIsPassedOver(version: TLSVersion) throws {
        let client = try client(version)
        let (one, other) = (try TLSContext.testServer(), try TLSContext.testServer())
        #expect(try isResumed(client, one) == false)
        #expect(try isResumed(client, other) == false)
        #expect(try isResumed(client, other) == true)
    }

    @Test(arguments: TLSVersion.allCases)
    func manyConnectionsAtATimeResume(version: TLSVersion) throws {
        let (client, server) = (try client(version), try TLSContext.testServer { $0.ticketCount = 4 })
        #expect(try isResumed(client, server) == false)
        let pairs = try (0..<4).map { _ in try MemoryPair(client, server) }
        pairs.forEach { $0.run() }
        #expect(pairs.allSatisfy { $0.client.info(.tlsSessionWasResumed) == true })
    }

    @Test func theMemoryIsBounded() throws {
        let client = try client(.tls13, remembered: 3)
        let server = try TLSContext.testServer(TestAuthority.shared.identity(names: "DNS:*.example.com"))
        for number in 0..<10 {
            #expect(try isResumed(client, server, serverName: "host\(number).example.com") == false)
        }
        #expect(client.sessions.serverCount == 3)
        #expect(try isResumed(client, server, serverName: "host9.example.com") == true)
        #expect(try isResumed(client, server, serverName: "host0.example.com") == false)
    }

    @Test(arguments: TLSVersion.allCases)
    func aBrokenConnectionIsNotResumed(version: TLSVersion) throws {
        let (client, server) = (try client(version), try TLSContext.testServer())
        let refused = try TLSContext.testServer(TestAuthority.stranger.identity())
        let pair = try MemoryPair(client, refused)
        pair.run()
        #expect(pair.client.error != nil)
        #expect(client.sessions.isEmpty)
        #expect(try isResumed(client, server) == false)
    }

    @Test(arguments: TLSVersion.allCases)
    func aResumedClientIsWhoItWas(version: TLSVersion) throws {
        let identity = TestAuthority.shared.identity("a client")
        let server = try TLSContext.testServer { configuration in
            configuration.clientCertificates = .required
            configuration.trust = try TestAuthority.shared.trust
        }
        let client = try TLSContext.testClient { configuration in
            configuration.maximumVersion = version
            configuration.certificateChain = .pem(identity.certificatePEM)
            configuration.privateKey = .pem(identity.keyPEM)
        }
        #expect(try isResumed(client, server) == false)
        let pair = try MemoryPair.established(client, server)
        #expect(pair.server.info(.tlsSessionWasResumed) == true)
        #expect(pair.server.info(.tlsPeerCertificate) == (try identity.parsed))
    }

    /// A session that was made without a certificate opens no door that needs one.
    @Test(arguments: TLSVersion.allCases)
    func aSessionOfAnOpenServerIsNoneOfAStrictOne(version: TLSVersion) throws {
        let strict = try TLSContext.testServer { configuration in
            configuration.clientCertificates = .required
            configuration.trust = try TestAuthority.shared.trust
        }
        let open = try TLSContext.testServer { configuration in
            configuration.chooseContext = { $0 == "example.com" ? strict : nil }
        }
        let client = try client(version)
        #expect(try isResumed(client, open) == false)
        // What is remembered of one name is offered under another.
        let stolen = try #require(client.sessions.take(for: TLSServerName("localhost")))
        try stolen.lend { client.sessions.add($0, for: try TLSServerName("example.com")) }
        let pair = try MemoryPair(client, open, serverName: "example.com")
        pair.run()
        if version == .tls13 || TLSLibrary.current == .boringSSL {
            #expect(pair.server.error?.reason == .noCertificate)
        } else {
            // There OpenSSL's session says for which name it is, whatever the client asks for now.
            #expect(pair.server.info(.tlsServerName) == "localhost")
            #expect(pair.server.info(.tlsContext) === open)
        }
    }

    @Test(arguments: TLSVersion.allCases)
    func namedServersResumeToo(version: TLSVersion) throws {
        let second = try TLSContext.testServer(TestAuthority.shared.identity("two", names: "DNS:two.example"))
        let first = try TLSContext.testServer { $0.chooseContext = { $0 == "two.example" ? second : nil } }
        let client = try client(version)
        #expect(try isResumed(client, first, serverName: "two.example") == false)
        #expect(try isResumed(client, first, serverName: "two.example") == true)
    }
}
