import TestCertificates
import Testing

@testable import Proactor
@testable import ProactorTLS

/// Clients that others wrote, and this library's server.
@Suite struct OpenSSLClientsTests {
    /// Answers one line, and closes.
    nonisolated(nonsending) private func startLineServer(
        _ loop: BaseEventLoop,
        _ context: TLSContext
    ) async throws -> (server: Server, port: UInt16) {
        try await loop.startTestServer(context) { reader, writer in
            writer.write("> \(text(try await reader.readLine()))")
            try await writer.finish()
        }
    }

    @Test(.needs(.openssl), arguments: LoopKind.allCases, [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
    func opensslConnectsAndResumes(kind: LoopKind, version: (option: String, name: String)) async throws {
        let context = try TLSContext.testServer { $0.applicationProtocols = ["h2", "line"] }
        try await kind.withLoop { loop in
            let folder = try TestDirectory()
            let authority = try folder.write("ca.pem", TestAuthority.shared.own.certificatePEM).string
            let session = folder.path(of: "session")
            try loop.run { () async throws in
                let (server, port) = try await startLineServer(loop, context)
                for (isFirst, word) in [(true, "New, "), (false, "Reused, ")] {
                    let output = try await loop.run(
                        .openssl,
                        [
                            "s_client", "-connect", "127.0.0.1:\(port)", "-servername", "localhost",
                            "-CAfile", authority,
                            "-verify_return_error", "-verify_hostname", "localhost", "-alpn", "other,line",
                            "-ign_eof",
                            isFirst ? "-sess_out" : "-sess_in", session, version.option,
                        ],
                        input: "hello\n"
                    )
                    let words = output.text
                    #expect(output.returnCode == 0, "\(words)")
                    #expect(words.contains("> hello"))
                    #expect(words.contains(word))
                    #expect(words.contains(version.name))
                    if isFirst || version.name == "TLSv1.3" { #expect(words.contains("ALPN protocol: line")) }
                }
                try await server.finish()
            }
        }
    }

    @Test(.needs(.openssl), arguments: LoopKind.allCases)
    func oldVersionsAndRenegotiationAreRefused(kind: LoopKind) async throws {
        let context = try TLSContext.testServer()
        try await kind.withLoop { loop in
            try loop.run { () async throws in
                var refusals: [TLSError.Reason] = []
                let (server, port) = try await loop.startTestServer(context) { reader, writer in
                    do {
                        _ = try await reader.readLine()
                    } catch {
                        refusals.append((error as? TLSError)?.reason ?? .other)
                    }
                    try? await writer.finish()
                }
                let old = try await loop.run(
                    .openssl,
                    ["s_client", "-connect", "127.0.0.1:\(port)", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]
                )
                #expect(old.returnCode != 0)
                // R asks for another handshake.
                let renegotiating = try await loop.run(
                    .openssl,
                    ["s_client", "-connect", "127.0.0.1:\(port)", "-tls1_2"],
                    input: "R\nhello\n"
                )
                #expect(renegotiating.errorText.contains("no renegotiation"))
                // OpenSSL says no and leaves it to the client to end; BoringSSL takes it for a broken protocol.
                #expect(refusals == [TLSLibrary.current == .openSSL ? .alert(40) : .brokenRecord])
                try await server.finish()
            }
        }
    }

    @Test(.needs(.curl), arguments: LoopKind.allCases)
    func curlGetsAPage(kind: LoopKind) async throws {
        let context = try TLSContext.testServer { $0.applicationProtocols = ["http/1.1"] }
        try await kind.withLoop { loop in
            let folder = try TestDirectory()
            let authority = try folder.write("ca.pem", TestAuthority.shared.own.certificatePEM).string
            let page = String(repeating: "0123456789abcdef", count: 20_000)
            try loop.run { () async throws in
                let (server, port) = try await loop.startTestServer(context) { reader, writer in
                    _ = try await reader.readUntil("\r\n\r\n")
                    writer.write(
                        "HTTP/1.1 200 OK\r\nContent-Length: \(page.utf8.count)\r\nConnection: close\r\n\r\n\(page)"
                    )
                    try await writer.drain()
                    try await writer.finish()
                }
                let output = try await loop.run(
                    .curl,
                    ["-sS", "--noproxy", "*", "--cacert", authority, "https://127.0.0.1:\(port)/"]
                )
                #expect(output.returnCode == 0, "\(output.errorText)")
                #expect(output.text == page)
                let stranger = try await loop.run(
                    .curl,
                    ["-sS", "--noproxy", "*", "https://127.0.0.1:\(port)/"]
                )
                #expect(stranger.returnCode == 60)
                try await server.finish()
            }
        }
    }

    @Test(.needs(.python3), arguments: LoopKind.allCases)
    func pythonTalks(kind: LoopKind) async throws {
        let context = try TLSContext.testServer()
        try await kind.withLoop { loop in
            let folder = try TestDirectory()
            let authority = try folder.write("ca.pem", TestAuthority.shared.own.certificatePEM).string
            try loop.run { () async throws in
                let (server, port) = try await loop.startTestServer(context) { reader, writer in
                    let count = try #require(Int(text(try await reader.readLine()).dropLast()))
                    writer.write(try await reader.readExactly(count))
                    try await writer.finish()
                }
                let output = try await loop.run(.python3, ["-c", Self.pythonClient, "\(port)", authority])
                #expect(output.returnCode == 0, "\(output.errorText)")
                #expect(output.text == "all the same\n")
                try await server.finish()
            }
        }
    }

    private static let pythonClient = """
        import asyncio, os, ssl, sys
        async def main():
            context = ssl.create_default_context(cafile=sys.argv[2])
            data = os.urandom(1000000)
            reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]), ssl=context)
            writer.write(b"%d\\n" % len(data) + data)
            received = await reader.read(-1)
            print("all the same" if received == data else "another")
            writer.close()
            await writer.wait_closed()
        asyncio.run(main())
        """
}
