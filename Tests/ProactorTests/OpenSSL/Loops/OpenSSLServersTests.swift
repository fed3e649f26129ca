import Glibc
import TestCertificates
import Testing

@testable import Proactor
@testable import ProactorTLS

/// Servers that others wrote, and this library's client.
@Suite struct OpenSSLServersTests {
    /// Starts a program, and reads until a line of its says which port it has.
    nonisolated(nonsending) private func start(
        _ loop: BaseEventLoop,
        _ program: TestProgram,
        _ arguments: [String]
    ) async throws -> (process: StreamedProcess, port: UInt16) {
        var options = ProcessOptions()
        options.standardInput = .pipe
        options.standardOutput = .pipe
        let process = try await loop.createSubprocessExec(
            program.path ?? program.rawValue,
            arguments: arguments,
            options: options
        )
        let output = try #require(process.stdout)
        while true {
            let line = text(try await output.readLine())
            try #require(!line.isEmpty, "\(program.rawValue) ended before it listened")
            guard line.contains("ACCEPT"), let port = line.split(separator: ":").last else { continue }
            return (process, try #require(UInt16(port.prefix { $0.isNumber })))
        }
    }

    nonisolated(nonsending) private func stop(_ process: StreamedProcess) async throws {
        try process.kill()
        _ = try await process.communicate()
    }

    private func write(_ identity: TestIdentity, to folder: TestDirectory) throws -> (
        chain: String, key: String
    ) {
        (
            try folder.write("chain.pem", identity.certificatePEM).string,
            try folder.write("key.pem", identity.keyPEM).string
        )
    }

    @Test(.needs(.openssl), arguments: LoopKind.allCases, TLSVersion.allCases)
    func opensslIsConnectedTo(kind: LoopKind, version: TLSVersion) async throws {
        let context = try TLSContext.testClient { configuration in
            configuration.maximumVersion = version
            configuration.applicationProtocols = ["line"]
        }
        try await kind.withLoop { loop in
            let folder = try TestDirectory()
            let (chain, key) = try write(TestAuthority.shared.identity(), to: folder)
            try loop.run { () async throws in
                let (process, port) = try await start(
                    loop,
                    .openssl,
                    [
                        "s_server", "-accept", "127.0.0.1:0", "-cert", chain, "-key", key, "-rev", "-alpn",
                        "line",
                    ]
                )
                for isResumed in [false, true, true] {
                    let (reader, writer) = try await loop.openTestConnection(port, context)
                    writer.write("abc\n")
                    #expect(text(try await reader.readLine()) == "cba\n")
                    #expect(writer.extraInfo(.applicationProtocol) == "line")
                    #expect(writer.extraInfo(.tlsSessionWasResumed) == isResumed)
                    // Some of its versions leave without a word.
                    writer.close()
                    try? await writer.waitClosed()
                }
                try await stop(process)
            }
        }
    }

    @Test(.needs(.python3), arguments: LoopKind.allCases)
    func pythonIsConnectedTo(kind: LoopKind) async throws {
        let context = try TLSContext.testClient()
        try await kind.withLoop { loop in
            let folder = try TestDirectory()
            let (chain, key) = try write(TestAuthority.shared.identity(), to: folder)
            let sent = patternBytes(1_000_000)
            try loop.run { () async throws in
                let (process, port) = try await start(loop, .python3, ["-c", Self.pythonServer, chain, key])
                for _ in 0..<2 {
                    let (reader, writer) = try await loop.openTestConnection(port, context)
                    writer.write("\(sent.count)\n")
                    writer.write(sent)
                    #expect(try await reader.readToEnd() == sent)
                    try await writer.finish()
                }
                try await stop(process)
            }
        }
    }

    /// It listens at a path: a port it would have to be told.
    @Test(.needs(.nginx), arguments: LoopKind.allCases, TLSVersion.allCases)
    func nginxIsConnectedTo(kind: LoopKind, version: TLSVersion) async throws {
        let context = try TLSContext.testClient { configuration in
            configuration.maximumVersion = version
            configuration.applicationProtocols = ["http/1.1"]
        }
        try await kind.withLoop { loop in
            let folder = try TestDirectory()
            let (chain, key) = try write(TestAuthority.shared.identity(), to: folder)
            let socket = folder.path(of: "socket")
            let settings = try folder.write("nginx.conf", Self.nginxSettings(folder, socket, chain, key))
                .string
            try loop.run { () async throws in
                let process = try await loop.createSubprocessExec(
                    TestProgram.nginx.path ?? "nginx",
                    "-p",
                    folder.path,
                    "-e",
                    folder.path(of: "errors"),
                    "-c",
                    settings
                )
                let deadline = ContinuousClock.now + TestLimit.wait
                while access(socket, F_OK) != 0, process.returnCode == nil, ContinuousClock.now < deadline {
                    try await sleep(for: .milliseconds(5))
                }
                for isResumed in [false, true] {
                    let (reader, writer) = try await loop.openUnixConnection(
                        path: socket,
                        tls: context,
                        serverName: "localhost"
                    )
                    writer.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    #expect(text(try await reader.readToEnd()).hasSuffix("a page of nginx\n"))
                    #expect(writer.extraInfo(.tlsSessionWasResumed) == isResumed)
                    try await writer.finish()
                }
                try await stop(process)
            }
        }
    }

    private static func nginxSettings(
        _ folder: TestDirectory,
        _ socket: String,
        _ chain: String,
        _ key: String
    ) -> String {
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map { "\($0)_temp_path \(folder.path(of: $0));" }.joined(separator: " ")
        return """
            daemon off; master_process off; pid \(folder.path(of: "pid"));
            events { worker_connections 64; }
            http {
                access_log off; \(paths)
                server {
                    listen unix:\(socket) ssl; ssl_certificate \(chain); ssl_certificate_key \(key);
                    ssl_protocols TLSv1.2 TLSv1.3;
                    location / { return 200 "a page of nginx\\n"; }
                }
            }
            """
    }

    private static let pythonServer = """
        import asyncio, ssl, sys
        async def serve(reader, writer):
            count = int(await reader.readline())
            writer.write(await reader.readexactly(count))
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        async def main():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(sys.argv[1], sys.argv[2])
            server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context, limit=1 << 20)
            print("ACCEPT 127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
            await server.serve_forever()
        asyncio.run(main())
        """
}
