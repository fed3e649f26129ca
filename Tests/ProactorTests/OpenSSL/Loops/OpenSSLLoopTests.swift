import SystemPackage
import TestCertificates
import Testing

@testable import Proactor
@testable import ProactorTLS

/// The real engine over real sockets, on every loop.
@Suite struct OpenSSLLoopTests {
    @Test(arguments: LoopKind.allCases)
    func aServerAndAClientTalk(kind: LoopKind) async throws {
        let (serverContext, clientContext) = (try TLSContext.testServer(), try TLSContext.testClient())
        try await kind.withLoop { loop in
            try loop.run { () async throws in
                let (server, port) = try await loop.startTestServer(serverContext) { reader, writer in
                    for try await line in reader.lines {
                        writer.write("> ")
                        writer.write(line)
                        try await writer.drain()
                    }
                    try await writer.finish()
                }
                for isResumed in [false, true] {
                    let (reader, writer) = try await loop.openTestConnection(port, clientContext)
                    for number in 0..<50 {
                        writer.write("line \(number)\n")
                        #expect(text(try await reader.readLine()) == "> line \(number)\n")
                    }
                    #expect(writer.extraInfo(.tlsProtocolVersion) == "TLSv1.3")
                    #expect(writer.extraInfo(.tlsSessionWasResumed) == isResumed)
                    #expect(writer.extraInfo(.tlsPeerCertificate)?.hostNames.first == "localhost")
                    #expect(writer.extraInfo(.tlsContext) === clientContext)
                    #expect(writer.extraInfo(.peerName)?.port == port)
                    try await writer.finish()
                }
                try await server.finish()
            }
        }
    }

    // Pitfalls 56 and 59.
    @Test(arguments: LoopKind.allCases, TLSVersion.allCases)
    func muchIsEchoed(kind: LoopKind, version: TLSVersion) async throws {
        let serverContext = try TLSContext.testServer { $0.maximumVersion = version }
        let clientContext = try TLSContext.testClient()
        try await kind.withLoop { loop in
            let sent = patternBytes(1_500_000)
            try loop.run { () async throws in
                let (server, port) = try await loop.startTestServer(serverContext) { reader, writer in
                    for try await chunk in reader.chunks {
                        writer.write(chunk)
                        try await writer.drain()
                    }
                    try await writer.finish()
                }
                let (reader, writer) = try await loop.openTestConnection(port, clientContext)
                let writing = loop.createTask { () async throws in
                    writer.write(sent)
                    try await writer.drain()
                }
                let received = try await reader.readExactly(sent.count)
                try await writing.value()
                #expect(received == sent)
                try await writer.finish()
                try await server.finish()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aRefusedServerIsToldByTheCallThatConnects(kind: LoopKind) async throws {
        let expired = try TLSContext.testServer(TestAuthority.shared.identity(days: -9 ... -1))
        let strange = try TLSContext.testServer(TestAuthority.stranger.identity())
        let good = try TLSContext.testServer()
        let client = try TLSContext.testClient { $0.applicationProtocols = ["h2"] }
        let cases: [(TLSContext?, String, TLSError.Reason)] = [
            (expired, "localhost", .certificateExpired), (strange, "localhost", .unknownAuthority),
            (good, "elsewhere.example", .wrongName("elsewhere.example")), (nil, "localhost", .notTLS),
            (try .testServer { $0.applicationProtocols = ["smtp"] }, "localhost", .noApplicationProtocol),
        ]
        try await kind.withLoop { loop in
            try loop.run { () async throws in
                for (context, name, reason) in cases {
                    let (server, port) = try await loop.startTestServer(context) { _, writer in
                        writer.write("220 plain words from a server that speaks no TLS\r\n")
                        try await writer.finish()
                    }
                    do {
                        let (_, writer) = try await loop.openTestConnection(port, client, serverName: name)
                        Issue.record("\(reason) was not found")
                        writer.close()
                    } catch let error as TLSError {
                        #expect(error.reason == reason)
                        #expect(error.step == .handshake)
                    }
                    try await server.finish()
                }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aServerOutlivesWhatIsNoTLS(kind: LoopKind) async throws {
        let (serverContext, clientContext) = (try TLSContext.testServer(), try TLSContext.testClient())
        try await kind.withLoop { loop in
            try loop.run { () async throws in
                let (server, port) = try await loop.startTestServer(serverContext) { reader, writer in
                    writer.write(try await reader.readLine())
                    try await writer.finish()
                }
                for number in 0..<30 {
                    let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: port)
                    switch number % 3 {
                    case 0: writer.write("GET / HTTP/1.1\r\n\r\n")
                    case 1: writer.write([22, 3, 1, 0, 200, 1, 0])
                    default: break
                    }
                    if number % 3 == 0 { _ = try? await reader.readToEnd() }
                    writer.close()
                    try? await writer.waitClosed()
                }
                let (reader, writer) = try await loop.openTestConnection(port, clientContext)
                writer.write("still here\n")
                #expect(text(try await reader.readToEnd()) == "still here\n")
                try await writer.finish()
                try await server.finish()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aClientWithoutACertificateIsToldWhenItReads(kind: LoopKind) async throws {
        let serverContext = try TLSContext.testServer { configuration in
            configuration.clientCertificates = .required
            configuration.trust = try TestAuthority.shared.trust
        }
        let clientContext = try TLSContext.testClient()
        try await kind.withLoop { loop in
            try loop.run { () async throws in
                let (server, port) = try await loop.startTestServer(serverContext) { _, writer in
                    Issue.record("a client without a certificate got in")
                    try await writer.finish()
                }
                let (reader, writer) = try await loop.openTestConnection(port, clientContext)
                do {
                    #expect(try await reader.readLine() == [])
                    Issue.record("nothing was thrown")
                } catch let error as TLSError {
                    #expect(error.reason == .alert(116))
                }
                writer.close()
                try? await writer.waitClosed()
                try await server.finish()
            }
        }
    }

    /// As mail programs do: plain first, then one word, then TLS.
    @Test(arguments: LoopKind.allCases)
    func aPlainConnectionIsUpgraded(kind: LoopKind) async throws {
        let (serverContext, clientContext) = (try TLSContext.testServer(), try TLSContext.testClient())
        try await kind.withLoop { loop in
            try loop.run { () async throws in
                let (server, port) = try await loop.startTestServer(nil) { reader, writer in
                    writer.write("220 ready\r\n")
                    #expect(text(try await reader.readLine()) == "STARTTLS\r\n")
                    writer.write("220 go ahead\r\n")
                    try await writer.startTLS(serverContext)
                    #expect(writer.extraInfo(.tlsServerName) == "localhost")
                    writer.write(try await reader.readLine())
                    try await writer.finish()
                }
                let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: port)
                #expect(text(try await reader.readLine()) == "220 ready\r\n")
                writer.write("STARTTLS\r\n")
                #expect(text(try await reader.readLine()) == "220 go ahead\r\n")
                try await writer.startTLS(clientContext, serverName: "localhost")
                writer.write("EHLO under cover\r\n")
                #expect(text(try await reader.readToEnd()) == "EHLO under cover\r\n")
                try await writer.finish()
                try await server.finish()
            }
        }
    }

    // Pitfall 48.
    @Test(arguments: LoopKind.allCases)
    func aCutConnectionIsNoEnd(kind: LoopKind) async throws {
        let (serverContext, clientContext) = (try TLSContext.testServer(), try TLSContext.testClient())
        try await kind.withLoop { loop in
            try loop.run { () async throws in
                let (server, port) = try await loop.startTestServer(serverContext) { reader, writer in
                    writer.write("part one of two\n")
                    try await writer.drain()
                    _ = try await reader.readLine()
                    writer.transport.abort()
                }
                let (reader, writer) = try await loop.openTestConnection(port, clientContext)
                #expect(text(try await reader.readLine()) == "part one of two\n")
                writer.write("cut\n")
                do {
                    _ = try await reader.readToEnd()
                    Issue.record("the cut was taken for an end")
                } catch let error as TLSError {
                    #expect(error.reason == .truncated)
                } catch let error as Errno {
                    #expect(error == .connectionReset)
                } catch {
                    #expect("\(error)".contains("reset"))
                }
                writer.close()
                try? await writer.waitClosed()
                try await server.finish()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aUnixSocketIsEncryptedToo(kind: LoopKind) async throws {
        let (serverContext, clientContext) = (try TLSContext.testServer(), try TLSContext.testClient())
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let path = folder.path("tls")
            try loop.run { () async throws in
                let server = try await loop.startUnixServer(path: path, tls: serverContext) {
                    reader,
                    writer in
                    writer.write(try await reader.readLine())
                    try await writer.finish()
                }
                let (reader, writer) = try await loop.openUnixConnection(
                    path: path,
                    tls: clientContext,
                    serverName: "example.com"
                )
                writer.write("by a path\n")
                #expect(text(try await reader.readToEnd()) == "by a path\n")
                try await writer.finish()
                try await server.finish()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aFileIsSent(kind: LoopKind) async throws {
        let (serverContext, clientContext) = (try TLSContext.testServer(), try TLSContext.testClient())
        try await kind.withLoop { loop in
            let folder = try TestDirectory()
            let content = patternBytes(300_000)
            let path = try folder.write("content", content)
            try loop.run { () async throws in
                let (server, port) = try await loop.startTestServer(serverContext) { _, writer in
                    let file = try await File.open(path, on: loop)
                    let transport = try #require(writer.transport as? (any Transport))
                    #expect(try await loop.sendFile(transport, file) == content.count)
                    try await file.close()
                    try await writer.finish()
                }
                let (reader, writer) = try await loop.openTestConnection(port, clientContext)
                #expect(try await reader.readToEnd() == content)
                try await writer.finish()
                try await server.finish()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aRenewedCertificateIsShownWithoutANewServer(kind: LoopKind) async throws {
        let serverContext = try TLSContext.testServer(TestAuthority.shared.identity("old"))
        let new = TestAuthority.shared.identity("new")
        try await kind.withLoop { loop in
            try loop.run { () async throws in
                let (server, port) = try await loop.startTestServer(serverContext) { _, writer in
                    try await writer.finish()
                }
                for subject in ["CN=old", "CN=new"] {
                    let (reader, writer) = try await loop.openTestConnection(port, try .testClient())
                    #expect(writer.extraInfo(.tlsPeerCertificate)?.subject == subject)
                    #expect(try await reader.readToEnd() == [])
                    try await writer.finish()
                    try serverContext.reload(
                        certificateChain: .pem(new.certificatePEM),
                        privateKey: .pem(new.keyPEM)
                    )
                }
                try await server.finish()
            }
        }
    }

    /// Twenty thousand on all loops together, each cut at another byte of the client's first message. By pairs of sockets: so many
    /// ports would be missed by other tests.
    // Pitfall 57.
    @Test(.needsNoSanitizer, arguments: LoopKind.allCases)
    func abortedHandshakesLeaveNothingBehind(kind: LoopKind) async throws {
        let (serverContext, clientContext) = (try TLSContext.testServer(), try TLSContext.testClient())
        let first = try MemoryPair(clientContext, serverContext)
        first.client.advance()
        let hello = first.client.outgoing
        let life = LifeCounter()
        try await kind.withLoop { loop in
            try loop.run { () async throws in
                for batch in 0..<200 {
                    var (peers, handshakes): ([RawPeer], [LoopTask<Void>]) = ([], [])
                    for number in 0..<20 {
                        let pair = try SocketPair(.unix)
                        let peer = RawPeer(pair.second)
                        peer.write(hello.prefix((batch * 20 + number) % (hello.count + 1)))
                        peers.append(peer)
                        handshakes.append(
                            loop.createTask {
                                _ = try await loop.connectAcceptedSocket(pair.first, tls: serverContext) {
                                    RecordingProtocol(life: life)
                                }
                            }
                        )
                    }
                    // Some are amid it then.
                    try await sleep(for: .zero)
                    for peer in peers { peer.close() }
                    for result in try await gatherResults(handshakes) {
                        #expect(throws: (any Error).self) { try result.get() }
                    }
                }
            }
            try loop.turn { loop.openTransports.count == 0 && life.alive == 0 }
        }
    }
}
