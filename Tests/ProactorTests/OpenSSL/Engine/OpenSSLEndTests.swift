import Proactor
import ProactorTLS
import TestCertificates
import Testing

struct OpenSSLEndTests {
    private func pair(_ version: TLSVersion) throws -> MemoryPair {
        try .established(.testClient { $0.maximumVersion = version }, .testServer())
    }

    @Test(arguments: TLSVersion.allCases)
    func aCloseIsToldBehindTheData(version: TLSVersion) throws {
        let pair = try pair(version)
        try pair.client.seal("last words")
        try pair.client.close()
        pair.server.incoming = pair.client.outgoing
        #expect(try pair.server.open() == .peerClosed)
        #expect(pair.server.text == "last words")
        pair.server.isAtEnd = true
        #expect(try pair.server.open() == .peerClosed)
    }

    @Test(arguments: TLSVersion.allCases)
    func eitherSideMayCloseFirstAndBothDo(version: TLSVersion) throws {
        for serverIsFirst in [false, true] {
            let pair = try pair(version)
            let (one, other) = serverIsFirst ? (pair.server, pair.client) : (pair.client, pair.server)
            try one.close()
            pair.run()
            #expect(other.sawClose)
            // Who was told may still speak.
            try other.seal("an answer")
            try other.close()
            pair.run()
            #expect(one.text == "an answer")
            #expect(one.sawClose)
            #expect(one.error == nil)
            #expect(other.error == nil)
        }
    }

    // Pitfall 49.
    @Test func whatFollowsAClosePassesUnseen() throws {
        let pair = try pair(.tls13)
        try pair.client.seal("seen")
        try pair.client.close()
        pair.client.outgoing += [1, 2, 3, 4, 5, 6, 7, 8]
        pair.run()
        #expect(pair.server.text == "seen")
        #expect(pair.server.sawClose)
        #expect(pair.server.error == nil)
    }

    // Pitfall 48.
    @Test(arguments: TLSVersion.allCases)
    func anEndWithoutACloseIsTruncation(version: TLSVersion) throws {
        let pair = try pair(version)
        try pair.client.seal("all of it?")
        pair.server.incoming = pair.client.outgoing
        pair.server.isAtEnd = true
        #expect(try pair.server.open() == .done)
        #expect(pair.server.text == "all of it?")
        let error = #expect(throws: TLSError.self) { try pair.server.open() }
        #expect(error?.reason == .truncated)
        #expect(error?.description.contains("close_notify") == true)
        // Whoever takes that for an end may still answer.
        try pair.server.seal("yes")
        try pair.server.close()
        pair.client.outgoing = []
        pair.run()
        #expect(pair.client.text == "yes")
        #expect(pair.client.sawClose)
    }

    @Test func halfARecordAtTheEndIsTruncation() throws {
        let pair = try pair(.tls13)
        try pair.client.seal("cut")
        pair.server.incoming = Array(pair.client.outgoing.dropLast())
        pair.server.isAtEnd = true
        let error = #expect(throws: TLSError.self) { try pair.server.open() }
        #expect(error?.reason == .truncated)
        #expect(pair.server.received.isEmpty)
    }

    @Test func aCloseWaitsForRoom() throws {
        let pair = try pair(.tls13)
        pair.client.room = 0
        let progress = try pair.client.lend { try pair.client.engine.sendCloseNotify($0) }
        #expect(progress == .needsRoom)
        pair.client.room = 100
        #expect(try pair.client.lend { try pair.client.engine.sendCloseNotify($0) } == .done)
        pair.run()
        #expect(pair.server.sawClose)
    }
}
