import Dispatch
import Proactor
import TestCertificates
import Testing

@testable import ProactorTLS

/// One context, many threads.
struct OpenSSLSharingTests {
    private static let threads = 4
    private static let rounds = 25

    // Pitfall 58.
    @Test(arguments: TLSVersion.allCases)
    func threadsShareContexts(version: TLSVersion) throws {
        let server = try TLSContext.testServer()
        let client = try TLSContext.testClient { $0.maximumVersion = version }
        let lines = LineBox()
        DispatchQueue.concurrentPerform(iterations: Self.threads) { thread in
            for round in 0..<Self.rounds {
                do {
                    let pair = try MemoryPair.established(client, server)
                    try pair.client.seal("\(thread) \(round)")
                    pair.run()
                    if pair.server.text != "\(thread) \(round)" {
                        lines.append("wrong data: \(pair.server.text)")
                    }
                } catch {
                    lines.append("\(error)")
                }
            }
        }
        #expect(lines.all == [])
    }

    @Test func aServerRenewsItsCertificateWhileThreadsConnect() throws {
        let identities = ["first", "second"].map { TestAuthority.shared.identity($0) }
        let server = try TLSContext.testServer(identities[0])
        let client = try TLSContext.testClient { $0.rememberedServers = 0 }
        let problems = LineBox()
        let subjects = LineBox()
        DispatchQueue.concurrentPerform(iterations: Self.threads) { thread in
            for round in 0..<Self.rounds {
                do {
                    if thread == 0 {
                        let identity = identities[(round + 1) % 2]
                        try server.reload(
                            certificateChain: .pem(identity.certificatePEM),
                            privateKey: .pem(identity.keyPEM)
                        )
                    }
                    let pair = try MemoryPair.established(client, server)
                    subjects.append(pair.client.info(.tlsPeerCertificate)?.subject ?? "none")
                } catch {
                    problems.append("\(error)")
                }
            }
        }
        #expect(problems.all == [])
        #expect(Set(subjects.all).isSubset(of: ["CN=first", "CN=second"]))
    }

    @Test(arguments: TLSVersion.allCases)
    func connectionsAndTicketsOutliveARenewal(version: TLSVersion) throws {
        let server = try TLSContext.testServer(TestAuthority.shared.identity("old"))
        let client = try TLSContext.testClient { $0.maximumVersion = version }
        let old = try MemoryPair.established(client, server)
        let new = TestAuthority.shared.identity("new")
        try server.reload(certificateChain: .pem(new.certificatePEM), privateKey: .pem(new.keyPEM))
        try old.client.seal("still there")
        old.run()
        #expect(old.server.text == "still there")
        let resumed = try MemoryPair.established(client, server)
        #expect(resumed.client.info(.tlsSessionWasResumed) == true)
        let fresh = try MemoryPair.established(.testClient(), server)
        #expect(fresh.client.info(.tlsPeerCertificate)?.subject == "CN=new")
    }

    /// Whoever is not welcome any more does not come in by an old ticket.
    @Test(arguments: TLSVersion.allCases)
    func aRenewalForgetsTheTicketsOfClientsWithCertificates(version: TLSVersion) throws {
        let directory = try TestDirectory()
        let trusted = try directory.write("trusted.pem", TestAuthority.shared.own.certificatePEM)
        let server = try TLSContext.testServer { configuration in
            configuration.clientCertificates = .required
            configuration.trust = .file(trusted)
        }
        let identity = TestAuthority.shared.identity("a client")
        let client = try TLSContext.testClient { configuration in
            configuration.maximumVersion = version
            configuration.certificateChain = .pem(identity.certificatePEM)
            configuration.privateKey = .pem(identity.keyPEM)
        }
        #expect(try MemoryPair.established(client, server).client.isEstablished)
        #expect(try MemoryPair.established(client, server).client.info(.tlsSessionWasResumed) == true)
        _ = try directory.write("trusted.pem", TestAuthority.stranger.own.certificatePEM)
        try server.reload()
        let pair = try MemoryPair(client, server)
        pair.run()
        #expect(pair.server.error?.reason == .unknownAuthority)
    }

    @Test func renewedFilesAreReadAgain() throws {
        let folder = try TestDirectory()
        let (old, new) = (TestAuthority.shared.identity("old"), TestAuthority.shared.identity("new"))
        let chain = try folder.write("chain.pem", old.certificatePEM)
        let key = try folder.write("key.pem", old.keyPEM)
        let server = try TLSContext.server(certificateChain: .file(chain), privateKey: .file(key))
        let subject = {
            try MemoryPair.established(.testClient(), server).client.info(.tlsPeerCertificate)?.subject
        }
        _ = try folder.write("chain.pem", new.certificatePEM)
        // Half of it is there: nothing changes.
        let error = #expect(throws: TLSError.self) { try server.reload() }
        #expect(error?.reason == .keyDoesNotFit)
        #expect(try subject() == "CN=old")
        _ = try folder.write("key.pem", new.keyPEM)
        #expect(try subject() == "CN=old")
        try server.reload()
        #expect(try subject() == "CN=new")
    }

    @Test func aClientForgetsWhatItKnewWhenItIsRenewed() throws {
        let (client, server) = (try TLSContext.testClient(), try TLSContext.testServer())
        _ = try MemoryPair.established(client, server)
        #expect(!client.sessions.isEmpty)
        try client.reload()
        #expect(client.sessions.isEmpty)
        #expect(try MemoryPair.established(client, server).client.info(.tlsSessionWasResumed) == false)
    }
}
