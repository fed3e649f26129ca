import COpenSSL
import Proactor
@testable import ProactorTLS
import TestCertificates
import Testing

struct OpenSSLHandshakeTests {
    private func contexts(_ version: TLSVersion) throws -> (client: TLSContext, server: TLSContext) {
        (try .testClient { $0.maximumVersion = version }, try .testServer())
    }

    @Test(arguments: TLSVersion.allCases)
    func twoEnginesTalk(version: TLSVersion) throws {
        let (client, server) = try contexts(version)
        let pair = try MemoryPair.established(client, server)
        try pair.client.seal("to the server")
        try pair.server.seal("to the client")
        pair.run()
        #expect(pair.server.text == "to the server")
        #expect(pair.client.text == "to the client")
        for end in [pair.client, pair.server] {
            #expect(end.info(.tlsProtocolVersion) == (version == .tls13 ? "TLSv1.3" : "TLSv1.2"))
            #expect(end.info(.tlsCipher)?.isEmpty == false)
            #expect(end.info(.tlsSessionWasResumed) == false)
            #expect(end.info(.applicationProtocol) == nil)
        }
        #expect(pair.client.info(.tlsContext) === client)
        #expect(pair.server.info(.tlsContext) === server)
        #expect(pair.server.info(.tlsServerName) == "localhost")
        #expect(pair.server.info(.tlsPeerCertificate) == nil)
        #expect(pair.client.info(.peerName) == nil)
    }

    @Test(arguments: TLSVersion.allCases)
    func aHandshakeIsCutAtEveryByte(version: TLSVersion) throws {
        let (client, server) = try contexts(version)
        let pair = try MemoryPair(client, server)
        pair.run(piece: 1)
        #expect(pair.client.isEstablished)
        #expect(pair.server.isEstablished)
        try pair.client.seal("in pieces")
        pair.run(piece: 1)
        #expect(pair.server.text == "in pieces")
    }

    /// As somebody else's use of the library on this thread may.
    private func leaveAnEntryInTheErrorQueue() {
        var key: OpaquePointer?
        #expect(cssl_read_key([0], 1, nil, &key) == CSSL_READ_BROKEN)
    }

    // Pitfall 51.
    @Test func anOldEntryInTheErrorQueueIsNobodysError() throws {
        let (client, server) = try contexts(.tls13)
        let pair = try MemoryPair(client, server)
        leaveAnEntryInTheErrorQueue()
        #expect(!OpenSSLFailure.take().text.isEmpty)
        leaveAnEntryInTheErrorQueue()
        pair.client.advance()
        #expect(pair.client.error == nil)
        pair.run()
        leaveAnEntryInTheErrorQueue()
        try pair.client.seal("clean")
        leaveAnEntryInTheErrorQueue()
        pair.run()
        #expect(pair.server.text == "clean")
        #expect(pair.client.error == nil)
        #expect(pair.server.error == nil)
    }

    // Pitfall 46.
    @Test(arguments: [TLSSide.client, .server])
    func anEndAmidTheHandshakeIsAFailure(side: TLSSide) throws {
        let (client, server) = try contexts(.tls13)
        let pair = try MemoryPair(client, server)
        pair.client.advance()
        let end = side == .client ? pair.client : pair.server
        if side == .server { end.incoming = Array(pair.client.outgoing.prefix(100)) }
        end.isAtEnd = true
        end.advance()
        #expect(end.error?.reason == .endOfStream)
        #expect(end.error?.step == .handshake)
        #expect(end.error?.side == side)
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
        "220 mail.example.com ESMTP\r\n", "\r\n",
        "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\u{9}",
    ])
    func whatIsNoTLSIsCalledSo(text: String) throws {
        for context in [try TLSContext.testServer(), try .testClient()] {
            let end = try MemoryEnd(context, serverName: "localhost")
            end.advance()
            end.incoming = Array(text.utf8)
            end.isAtEnd = true
            end.advance()
            #expect(end.error?.reason == .notTLS)
            #expect(end.error?.side == context.side)
        }
    }

    @Test func garbageEndsTheHandshake() throws {
        let server = try TLSContext.testServer()
        var random = SystemRandomNumberGenerator()
        for size in 1...300 {
            let end = try MemoryEnd(server)
            end.incoming = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
            end.isAtEnd = true
            end.advance()
            #expect(end.error != nil)
            #expect(!end.isEstablished)
        }
    }

    /// What follows the head of a record is anything.
    @Test func garbageInRecordsEndsTheHandshake() throws {
        let server = try TLSContext.testServer()
        var random = SystemRandomNumberGenerator()
        for size in 1...300 {
            let end = try MemoryEnd(server)
            end.incoming = [22, 3, 1, UInt8(size >> 8), UInt8(size & 255)]
            end.incoming += (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
            end.isAtEnd = true
            end.advance()
            #expect(end.error != nil)
        }
    }

    // Pitfall 57.
    @Test func abortedHandshakesLeaveNothingBehind() throws {
        let (client, server) = try contexts(.tls13)
        weak var lastEngine: AnyObject?
        for round in 0..<2_000 {
            let pair = try MemoryPair(client, server)
            pair.client.advance()
            let hello = pair.client.outgoing
            pair.server.incoming = Array(hello.prefix(round % (hello.count + 1)))
            pair.server.advance()
            lastEngine = pair.server.engine
        }
        #expect(lastEngine == nil)
        let pair = try MemoryPair.established(client, server)
        #expect(pair.client.info(.tlsSessionWasResumed) == false)
    }

    @Test func nothingInCommonIsToldOnBothSides() throws {
        let old = try TLSContext.testClient { $0.maximumVersion = .tls12 }
        let new = try TLSContext.testServer { $0.minimumVersion = .tls13 }
        let versions = try MemoryPair(old, new)
        versions.run()
        #expect(versions.server.error?.reason == .nothingInCommon)
        #expect(versions.client.error?.reason == .nothingInCommon)

        let one = try TLSContext.testClient { configuration in
            configuration.maximumVersion = .tls12
            configuration.ciphers = ["ECDHE-ECDSA-AES128-GCM-SHA256"]
        }
        let other = try TLSContext.testServer { $0.ciphers = ["ECDHE-ECDSA-AES256-GCM-SHA384"] }
        let ciphers = try MemoryPair(one, other)
        ciphers.run()
        #expect(ciphers.server.error?.reason == .nothingInCommon)
        #expect(ciphers.client.error?.reason == .nothingInCommon)

        let curve = try TLSContext.testClient { $0.groups = ["X25519"] }
        let otherCurve = try TLSContext.testServer { $0.groups = ["P-384"] }
        let groups = try MemoryPair(curve, otherCurve)
        groups.run()
        #expect(groups.server.error?.reason == .nothingInCommon)
        #expect(groups.client.error?.reason == .nothingInCommon)
    }

    @Test(.needs(.openSSL)) func suitesAreTheChosenOnes() throws {
        let client = try TLSContext.testClient { $0.cipherSuites = ["TLS_CHACHA20_POLY1305_SHA256"] }
        let pair = try MemoryPair.established(client, .testServer())
        #expect(pair.server.info(.tlsCipher) == "TLS_CHACHA20_POLY1305_SHA256")
    }

    @Test(.needs(.boringSSL)) func suitesThatCannotBeChosenAreRefused() {
        let error = #expect(throws: TLSError.self) {
            try TLSContext.testClient { $0.cipherSuites = ["TLS_CHACHA20_POLY1305_SHA256"] }
        }
        #expect(error?.description.contains("leave cipherSuites empty") == true)
    }

    @Test func ciphersAndGroupsAreTheChosenOnes() throws {
        let server = try TLSContext.testServer()
        let cipher = try TLSContext.testClient { configuration in
            configuration.maximumVersion = .tls12
            configuration.ciphers = ["ECDHE+AESGCM", "!AES128"]
            configuration.groups = ["P-256", "X25519"]
        }
        let old = try MemoryPair.established(cipher, server)
        #expect(old.server.info(.tlsCipher) == "ECDHE-ECDSA-AES256-GCM-SHA384")
    }

    @Test func aFullHandshakeNeedsLittleRoomAtATime() throws {
        let (client, server) = try contexts(.tls13)
        let pair = try MemoryPair(client, server)
        pair.server.room = 0
        pair.run()
        #expect(!pair.client.isEstablished)
        #expect(pair.server.outgoing.isEmpty)
        // The peer has taken what was there.
        for _ in 0..<100 where !pair.client.isEstablished || !pair.server.isEstablished {
            pair.server.room = 5_000
            pair.server.advance()
            pair.run()
        }
        #expect(pair.client.isEstablished)
        #expect(pair.server.isEstablished)
    }

    /// A flight of messages that is larger than the room ever is.
    @Test func aLongChainGoesThroughLittleRoom() throws {
        let identity = TestAuthority.shared.identity()
        let further = String(repeating: TestAuthority.shared.own.certificatePEM, count: 100)
        let server = try TLSContext.server(
            certificateChain: .pem(identity.certificatePEM + further),
            privateKey: .pem(identity.keyPEM)
        )
        let pair = try MemoryPair(.testClient(), server)
        var sizes: [Int] = []
        for _ in 0..<100 where !pair.client.isEstablished || !pair.server.isEstablished {
            pair.server.room = 25_000
            pair.server.advance()
            sizes.append(pair.server.outgoing.count)
            pair.run()
        }
        #expect(pair.client.isEstablished)
        #expect(pair.server.isEstablished)
        #expect(sizes.allSatisfy { $0 <= 25_000 })
        #expect(pair.client.info(.tlsPeerCertificateChain)?.count == 101)
    }

    @Test func aKeyLogHasTheSecrets() throws {
        let lines = LineBox()
        let client = try TLSContext.testClient { $0.keyLog = { lines.append($0) } }
        let pair = try MemoryPair.established(client, try .testServer())
        #expect(pair.client.isEstablished)
        #expect(lines.all.contains { $0.hasPrefix("CLIENT_TRAFFIC_SECRET_0 ") })
    }
}
