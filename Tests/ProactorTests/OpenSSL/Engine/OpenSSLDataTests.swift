import Proactor
@testable import ProactorTLS
import TestCertificates
import Testing

struct OpenSSLDataTests {
    private func pair(_ version: TLSVersion = .tls13) throws -> MemoryPair {
        try .established(.testClient { $0.maximumVersion = version }, .testServer())
    }

    private static func pattern(_ size: Int) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    @Test(arguments: TLSVersion.allCases)
    func everyRecordIsCutAtEveryByte(version: TLSVersion) throws {
        let pair = try pair(version)
        let sent = Self.pattern(400)
        for cut in 0..<450 {
            try pair.client.seal(sent)
            let bytes = pair.client.outgoing
            pair.client.outgoing = []
            pair.server.received = []
            pair.server.incoming += bytes.prefix(cut)
            pair.server.advance()
            pair.server.incoming += bytes.dropFirst(cut)
            pair.server.advance()
            #expect(pair.server.received == sent, "cut at \(cut)")
        }
    }

    /// Wherever it is, and whichever bit.
    @Test(arguments: TLSVersion.allCases)
    func aFlippedBitEndsTheConnectionAndGivesNoWrongData(version: TLSVersion) throws {
        let (client, server) = (
            try TLSContext.testClient { $0.maximumVersion = version }, try TLSContext.testServer()
        )
        let sent = Self.pattern(40)
        let size = try {
            let pair = try MemoryPair.established(client, server)
            try pair.client.seal(sent)
            return pair.client.outgoing.count
        }()
        for place in 0..<size {
            let pair = try MemoryPair.established(client, server)
            try pair.client.seal(sent)
            try pair.client.seal(sent)
            pair.client.outgoing[place] ^= 1 << UInt8(place % 8)
            pair.run()
            pair.server.isAtEnd = true
            pair.server.advance()
            #expect(pair.server.error != nil, "flipped in byte \(place)")
            #expect(pair.server.received.isEmpty, "flipped in byte \(place)")
        }
    }

    /// In the handshake it may be where nobody looks, as in a record's version; but then nothing is different.
    @Test(arguments: TLSVersion.allCases, [TLSSide.client, .server])
    func aFlippedBitInTheHandshakeGivesNoWrongData(version: TLSVersion, sender: TLSSide) throws {
        let (client, server) = (
            try TLSContext.testClient { $0.maximumVersion = version }, try TLSContext.testServer()
        )
        var place = 0
        while true {
            let pair = try MemoryPair(client, server)
            pair.client.advance()
            if sender == .server {
                pair.server.incoming = pair.client.outgoing
                pair.client.outgoing = []
                pair.server.advance()
            }
            let end = sender == .server ? pair.server : pair.client
            // A signature's length differs from one handshake to the next.
            guard place < end.outgoing.count else { break }
            end.outgoing[place] ^= 1 << UInt8(place % 8)
            place += 3
            pair.run()
            guard pair.client.isEstablished, pair.server.isEstablished else { continue }
            try pair.client.seal("as it was")
            pair.run()
            #expect(pair.server.text == "as it was" || pair.server.error != nil)
        }
        #expect(place > 100)
    }

    @Test func whatCameBeforeABrokenRecordIsGiven() throws {
        let pair = try pair()
        try pair.client.seal("good")
        let good = pair.client.outgoing.count
        try pair.client.seal("broken")
        pair.client.outgoing[good + 10] ^= 1
        pair.server.incoming = pair.client.outgoing
        #expect(try pair.server.open() == .done)
        #expect(pair.server.text == "good")
        #expect(pair.server.engine.hasPending)
        let error = #expect(throws: TLSError.self) { try pair.server.open() }
        #expect(error?.reason == .brokenRecord)
        #expect(error?.step == .receive)
        #expect(!pair.server.engine.hasPending)
        // Nothing works any more, and nothing makes it worse.
        #expect(throws: TLSError.self) { try pair.server.seal("more") }
        #expect(throws: TLSError.self) { try pair.server.close() }
        #expect(throws: TLSError.self) { try pair.server.open() }
    }

    @Test(arguments: [1, 16_384, 16_385, 1_000_000], TLSVersion.allCases)
    func muchIsSealedAtOnceAndOpenedInSmallPieces(size: Int, version: TLSVersion) throws {
        let pair = try pair(version)
        let sent = Self.pattern(size)
        #expect(try pair.client.seal(sent) == size)
        pair.server.incoming = pair.client.outgoing
        while try pair.server.open(roomSize: 777) == .done {}
        #expect(pair.server.received == sent)
    }

    // Pitfall 59.
    @Test func asMuchIsSealedAsThereIsRoomFor() throws {
        let pair = try pair()
        let sent = Self.pattern(200_000)
        var rest = sent[...]
        var rounds = 0
        while !rest.isEmpty {
            pair.client.room = 40_000
            let count = try pair.client.seal(Array(rest))
            #expect(count > 0)
            #expect(pair.client.outgoing.count <= 40_000)
            rest = rest.dropFirst(count)
            rounds += 1
            pair.run()
        }
        #expect(rounds >= 5)
        #expect(pair.server.received == sent)
        pair.client.room = 10
        #expect(try pair.client.seal("no room") == ())
        #expect(pair.client.outgoing.isEmpty)
    }

    // Pitfalls 54 and 55.
    @Test func whatIsOpenedAndNotTakenWaits() throws {
        let pair = try pair()
        try pair.client.seal("0123456789")
        pair.server.incoming = pair.client.outgoing
        #expect(try pair.server.open(roomSize: 4) == .done)
        #expect(pair.server.engine.hasPending)
        #expect(pair.server.incoming.isEmpty)
        #expect(try pair.server.open(roomSize: 6) == .done)
        #expect(!pair.server.engine.hasPending)
        #expect(try pair.server.open(roomSize: 6) == .needsRecords)
        #expect(pair.server.text == "0123456789")
    }

    /// Half a record inside promises nothing.
    @Test func halfARecordIsNotPending() throws {
        let pair = try pair()
        try pair.client.seal("half")
        pair.server.incoming = Array(pair.client.outgoing.dropLast())
        #expect(try pair.server.open() == .needsRecords)
        #expect(!pair.server.engine.hasPending)
    }

    // Pitfall 54.
    @Test func newKeysAreAnsweredWithoutAnyWrite() throws {
        let pair = try pair()
        #expect(pair.client.engine.updateKeys())
        try pair.client.seal("with new keys")
        pair.server.incoming = pair.client.outgoing
        pair.client.outgoing = []
        pair.server.advance()
        #expect(pair.server.text == "with new keys")
        #expect(!pair.server.outgoing.isEmpty)
        pair.run()
        // BoringSSL takes no more than 32 in a row that come without data.
        for round in 0..<30 {
            #expect(pair.server.engine.updateKeys())
            try pair.server.seal("\(round) ")
            pair.run()
        }
        try pair.client.seal("!")
        pair.run()
        #expect(pair.client.error == nil)
        #expect(pair.client.text.hasSuffix("28 29 "))
        #expect(pair.server.text == "with new keys!")
    }

    /// A peer that asks again and again and takes nothing makes nothing grow.
    @Test func answersToNewKeysWaitForRoom() throws {
        let pair = try pair()
        pair.server.room = 0
        for round in 0..<40 {
            #expect(pair.client.engine.updateKeys())
            try pair.client.seal("\(round) ")
            pair.server.incoming += pair.client.outgoing
            pair.client.outgoing = []
            pair.server.advance()
            #expect(pair.server.outgoing.isEmpty)
        }
        for _ in 0..<100 {
            pair.server.room = 100_000
            pair.server.advance()
            pair.run()
        }
        #expect(pair.server.error == nil)
        #expect(pair.server.text.hasSuffix("38 39 "))
        try pair.server.seal("answer")
        pair.run()
        #expect(pair.client.text == "answer")
        #expect(pair.client.error == nil)
    }
}
