import Proactor
import ProactorTLS
import TestCertificates
import Testing

/// What the two agree on besides: application protocols and server names.
struct OpenSSLProtocolTests {
    @Test(arguments: TLSVersion.allCases)
    func theServersPreferenceChoosesTheProtocol(version: TLSVersion) throws {
        let server = try TLSContext.testServer { $0.applicationProtocols = ["h2", "http/1.1"] }
        let client = { (protocols: [String]) in
            try TLSContext.testClient { configuration in
                configuration.maximumVersion = version
                configuration.applicationProtocols = protocols
            }
        }
        let both = try MemoryPair.established(client(["http/1.1", "h2"]), server)
        #expect(both.client.info(.applicationProtocol) == "h2")
        #expect(both.server.info(.applicationProtocol) == "h2")
        let one = try MemoryPair.established(client(["spdy", "http/1.1"]), server)
        #expect(one.client.info(.applicationProtocol) == "http/1.1")
        let none = try MemoryPair.established(client([]), server)
        #expect(none.client.info(.applicationProtocol) == nil)
        let unwanted = try MemoryPair.established(client(["h2"]), .testServer())
        #expect(unwanted.client.info(.applicationProtocol) == nil)
    }

    // Pitfall 61.
    @Test(arguments: TLSVersion.allCases)
    func noProtocolInCommonIsRefused(version: TLSVersion) throws {
        let client = try TLSContext.testClient { configuration in
            configuration.maximumVersion = version
            configuration.applicationProtocols = ["smtp"]
        }
        let pair = try MemoryPair(client, .testServer { $0.applicationProtocols = ["h2"] })
        pair.run()
        #expect(pair.server.error?.reason == .noApplicationProtocol)
        #expect(pair.client.error?.reason == .noApplicationProtocol)
        #expect(pair.server.error?.side == .server)
        #expect(pair.client.error?.side == .client)
    }

    @Test(arguments: TLSVersion.allCases)
    func aServerChoosesItsContextByName(version: TLSVersion) throws {
        let one = TestAuthority.shared.identity("one", names: "DNS:one.example")
        let two = TestAuthority.shared.identity("two", names: "DNS:two.example")
        let second = try TLSContext.testServer(two) { $0.applicationProtocols = ["second"] }
        let asked = LineBox()
        let first = try TLSContext.testServer(one) { configuration in
            configuration.applicationProtocols = ["first"]
            configuration.chooseContext = { name in
                asked.append(name ?? "nobody")
                return name == "two.example" ? second : nil
            }
        }
        let client = try TLSContext.testClient { configuration in
            configuration.maximumVersion = version
            configuration.applicationProtocols = ["first", "second"]
        }
        let pairs = try ["one.example", "two.example"].map {
            try MemoryPair.established(client, first, serverName: $0)
        }
        #expect(pairs[0].client.info(.tlsPeerCertificate)?.subject == "CN=one")
        #expect(pairs[1].client.info(.tlsPeerCertificate)?.subject == "CN=two")
        #expect(pairs.map { $0.server.info(.applicationProtocol) } == ["first", "second"])
        #expect(pairs[0].server.info(.tlsContext) === first)
        #expect(pairs[1].server.info(.tlsContext) === second)
        #expect(asked.all.contains("one.example"))
        #expect(asked.all.contains("two.example"))
    }

    @Test func anAddressIsNeverSentAsName() throws {
        let asked = LineBox()
        let server = try TLSContext.testServer { configuration in
            configuration.chooseContext = { name in
                asked.append(name ?? "nobody")
                return nil
            }
        }
        for address in ["127.0.0.1", "::1", "127.1", "[::1]"] {
            let pair = try MemoryPair.established(.testClient(), server, serverName: address)
            #expect(pair.server.info(.tlsServerName) == nil)
        }
        #expect(Set(asked.all) == ["nobody"])
    }

    @Test func aChosenContextBringsWhatItWantsOfClients() throws {
        let strict = try TLSContext.testServer { configuration in
            configuration.clientCertificates = .required
            configuration.trust = try TestAuthority.shared.trust
        }
        let open = try TLSContext.testServer { configuration in
            configuration.chooseContext = { $0 == "example.com" ? strict : nil }
        }
        #expect(try MemoryPair.established(.testClient(), open).client.isEstablished)
        let refused = try MemoryPair(.testClient(), open, serverName: "example.com")
        refused.run()
        #expect(refused.server.error?.reason == .noCertificate)
    }

    @Test func aContextOfTheWrongSideIsNotChosen() throws {
        let client = try TLSContext.testClient()
        let server = try TLSContext.testServer { $0.chooseContext = { _ in client } }
        let pair = try MemoryPair.established(.testClient(), server)
        #expect(pair.server.info(.tlsContext) === server)
    }
}
