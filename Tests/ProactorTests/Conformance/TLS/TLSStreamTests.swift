import Testing

@testable import Proactor

@Suite struct TLSStreamTests {
    private let context = ScriptedTLS()

    @Test(arguments: LoopKind.everywhere)
    func streamsAreAsOverPlainConnections(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            let server = try loop.run {
                try await loop.startServer(host: "127.0.0.1", port: 0, tls: context) { reader, writer in
                    for try await line in reader.lines {
                        writer.write(line)
                        try await writer.drain()
                    }
                    writer.write("bye\n")
                    writer.close()
                }
            }
            let port = try loop.port(of: server)
            try loop.run {
                let (reader, writer) = try await loop.openConnection(
                    host: "127.0.0.1",
                    port: port,
                    tls: context,
                    serverName: "there"
                )
                for index in 0..<50 {
                    writer.write("line \(index)\n")
                    #expect(try await reader.readLine() == Array("line \(index)\n".utf8))
                }
                let long = patternBytes(2 << 20).map { $0 == 10 ? 11 : $0 }
                async let sent: Void = {}()
                writer.write(Array(long.prefix(60_000)) + [10])
                #expect(try await reader.readLine().count == 60_001)
                _ = await sent
                #expect(writer.extraInfo(.tlsCipher) == "XOR" && !writer.canWriteEOF)
                writer.close()
                try await writer.waitClosed()
            }
            server.close()
            try loop.turn { server.isDrained }
            #expect(context.serverNames.contains("there"))
        }
    }

    // Pitfall 48
    @Test(arguments: LoopKind.allCases)
    func aCutStreamIsAnErrorBehindWhatCame(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            for cut in [true, false] {
                let reader = try StreamReader()
                let streams = StreamReaderProtocol(reader)
                let (transport, peer) = try loop.connectTLS(streams, TLSOptions(context))
                let writer = StreamWriter(transport, streams)
                peer.write("what came")
                if cut { peer.raw.finish() } else { peer.closeNotify() }
                let task = loop.createTask { () -> ([UInt8], [UInt8]) in
                    let first = try await reader.readExactly(9)
                    return (first, try await reader.readToEnd())
                }
                try loop.turn { task.done }
                if cut {
                    let error = #expect(throws: TLSError.self) { try task.result() }
                    #expect(error?.reason == .truncated)
                } else {
                    #expect(try task.result() == (Array("what came".utf8), []))
                }
                writer.close()
                try loop.finish(transport, peer)
            }
        }
    }

    // Pitfall 53
    @Test(arguments: LoopKind.everywhere)
    func streamsGoOnEncrypted(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            let server = try loop.run {
                try await loop.startServer(host: "127.0.0.1", port: 0) { reader, writer in
                    #expect(try await reader.readLine() == Array("STARTTLS\n".utf8))
                    writer.write("220 go\n")
                    try await writer.startTLS(context)
                    let line = try await reader.readLine()
                    #expect(writer.transport is TLSTransport)
                    writer.write("encrypted: ")
                    writer.write(line)
                    writer.close()
                }
            }
            let port = try loop.port(of: server)
            try loop.run {
                let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: port)
                writer.write("STARTTLS\n")
                #expect(try await reader.readLine() == Array("220 go\n".utf8))
                try await writer.startTLS(context, serverName: "x")
                writer.write("secret\n")
                #expect(try await reader.readToEnd() == Array("encrypted: secret\n".utf8))
                writer.close()
                try await writer.waitClosed()
            }
            server.close()
            try loop.turn { server.isDrained }
        }
    }

    // Pitfall 53
    @Test(arguments: LoopKind.allCases, ["a client's hello", "a stranger's line"])
    func whatCameBehindTheAgreementIsTheBeginning(kind: LoopKind, behind: String) async throws {
        let context = context
        try await kind.withLoop { loop in
            let outcome = loop.createFuture(of: [UInt8].self)
            let streams = StreamReaderProtocol(try StreamReader()) { reader, writer in
                do {
                    _ = try await reader.readLine()
                    try await writer.startTLS(context)
                    outcome.succeed(try await reader.readLine())
                } catch {
                    outcome.fail(error)
                }
                writer.transport.abort()
            }
            let (plain, raw) = try loop.connect(streams)
            try loop.settle(turns: 3)
            // In one segment.
            let isHello = behind.hasSuffix("hello")
            let hello = ScriptedRecord.make(ScriptedRecord.hello, [], key: context.key)
            raw.write(Array("STARTTLS\n".utf8) + (isHello ? hello : Array("QUIT now\n".utf8)))
            if isHello {
                try loop.turn {
                    raw.read()
                    return raw.received == ScriptedRecord.make(ScriptedRecord.answer, [], key: context.key)
                }
                raw.write(
                    ScriptedRecord.make(ScriptedRecord.finished, [], key: context.key)
                        + ScriptedRecord.make(ScriptedRecord.data, Array("secret\n".utf8), key: context.key)
                )
                try loop.turn { outcome.done }
                #expect(try outcome.result() == Array("secret\n".utf8))
            } else {
                try loop.turn { outcome.done }
                let error = #expect(throws: TLSError.self) { try outcome.result() }
                #expect(error?.reason == .notTLS)
            }
            try loop.finish(plain, raw)
        }
    }
}
