import Foundation
import Proactor
import ProactorTLS
import SystemPackage
import Testing

@testable import loopbench

/// Servers over TLS that are not this library's, as processes, with this library's client.
struct TLSServerTests {
    private static let servers = ["c-ring-tls", "c-epoll-tls", "nio-echo"]

    /// More than waits at once for a peer that does not read, in records that do not end where messages do.
    @Test(arguments: servers)
    func whatIsSentComesBackAndTheStreamEndsInOrder(_ name: String) throws {
        try Self.withServer(name) { port, context in
            let content = Self.content(1_500_001)
            let (echo, version) = try run {
                try await Self.connect(port, context) { reader, writer in
                    for start in stride(from: 0, to: content.count, by: 70_001) {
                        writer.write(content[start..<min(start + 70_001, content.count)])
                    }
                    let echo = try await reader.readExactly(content.count)
                    let version = writer.extraInfo(.tlsProtocolVersion)
                    // A close_notify, for which the server's is the answer: without it this would be an error.
                    writer.close()
                    try await writer.waitClosed()
                    return (echo, version)
                }
            }
            #expect(echo == content && version == "TLSv1.3")
        }
    }

    @Test(arguments: servers)
    func sessionsAreResumed(_ name: String) throws {
        #expect(try Self.resumptions(of: name) == [false, true, true])
    }

    @Test(arguments: servers.dropLast())
    func withoutTicketsNothingIsResumed(_ name: String) throws {
        #expect(try Self.resumptions(of: name, ["--tickets", "0"]) == [false, false, false])
    }

    /// Those that speak no TLS, and those that go away amid a handshake, end their own connection only.
    @Test(arguments: servers)
    func strangersAreTurnedAway(_ name: String) throws {
        try Self.withServer(name) { port, context in
            let (answer, echo) = try run {
                let answer = try await getRunningLoop().withConnection(host: "127.0.0.1", port: port) {
                    reader,
                    writer in
                    writer.write("GET / HTTP/1.1\r\n\r\n")
                    return try await reader.readToEnd()
                }
                try await getRunningLoop().withConnection(host: "127.0.0.1", port: port) { _, writer in
                    writer.write([0x16, 3, 1, 2])
                }
                let echo = try await Self.connect(port, context) { reader, writer in
                    writer.write("ping")
                    return try await reader.readExactly(4)
                }
                return (answer, echo)
            }
            #expect(echo == Array("ping".utf8))
            // An alert at the most, and nothing of what was sent.
            #expect(answer.isEmpty || answer.first == 0x15)
        }
    }

    @Test(arguments: servers)
    func aServerSaysWhatIsWrongWithItsCommandLine(_ name: String) throws {
        let isNIO = name == "nio-echo"
        let workload = Workload(.echo, connections: 1)
        let incomplete = try #require(throws: ServerProcess.Failure.self) {
            try ServerProcess.start(Self.contender(name, ["--tls", "alone"]), for: workload, cpu: -1).stop()
        }
        #expect(incomplete.description.contains("ended with status 64"))
        let absent = try #require(throws: ServerProcess.Failure.self) {
            let contender = Self.contender(name, ["--tls", "/nowhere/cert.pem", "/nowhere/key.pem"])
            try ServerProcess.start(contender, for: workload, cpu: -1).stop()
        }
        #expect(absent.description.contains("ended with status 1"))
        #expect(isNIO || absent.description.contains("/nowhere/cert.pem: No such file or directory"))
        guard !isNIO else { return }
        let plain = try #require(throws: ServerProcess.Failure.self) {
            try ServerProcess.start(Self.contender(name, []), for: workload, cpu: -1).stop()
        }
        #expect(
            plain.description.contains("ended with status 64") && plain.description.contains("--tls CERT KEY")
        )
    }

    // MARK: - Helpers

    /// Whether each of three connections, one after the other, goes on with an earlier one's session.
    private static func resumptions(of name: String, _ arguments: [String] = []) throws -> [Bool?] {
        var resumptions: [Bool?] = []
        try withServer(name, arguments) { port, context in
            resumptions = try run {
                var found: [Bool?] = []
                for _ in 0..<3 {
                    found.append(
                        try await connect(port, context) { reader, writer in
                            writer.write("ping")
                            _ = try await reader.readExactly(4)
                            return writer.extraInfo(.tlsSessionWasResumed)
                        }
                    )
                }
                return found
            }
        }
        return resumptions
    }

    private static func contender(_ name: String, _ arguments: [String]) -> Contender {
        Contender(
            name: name,
            summary: "",
            program: Program.sibling(name),
            arguments: (name == "nio-echo" ? ["echo"] : []) + arguments
        )
    }

    /// Starts the server with a certificate that the client's context trusts.
    private static func withServer(
        _ name: String,
        _ arguments: [String] = [],
        _ body: (UInt16, TLSContext) throws -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "loopbench-test-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = [folder.appending(path: "cert.pem"), folder.appending(path: "key.pem")]
        try Data(Self.certificate.utf8).write(to: files[0])
        try Data(Self.key.utf8).write(to: files[1])
        let contender = Self.contender(name, ["--tls"] + files.map(\.path) + arguments)
        let server = try ServerProcess.start(contender, for: Workload(.echo, connections: 1), cpu: -1)
        guard case .tcp(_, let port) = server.endpoint else {
            preconditionFailure("no Unix socket was asked for")
        }
        var configuration = TLSConfiguration()
        configuration.trust = .file(FilePath(files[0].path))
        try body(port, try TLSContext.client(configuration))
        try server.stop()
    }

    private nonisolated(nonsending) static func connect<Result>(
        _ port: UInt16,
        _ context: TLSContext,
        _ body: nonisolated(nonsending) (StreamReader, StreamWriter) async throws -> Result
    ) async throws -> Result {
        try await getRunningLoop().withConnection(
            host: "127.0.0.1",
            port: port,
            tls: context,
            serverName: "localhost",
            body
        )
    }

    private static func content(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { bytes, initialized in
            for position in 0..<count {
                bytes[position] = UInt8(truncatingIfNeeded: position &* 31 &+ position >> 8)
            }
            initialized = count
        }
    }

    /// Of localhost, made for this test and good until 2126; it guards nothing.
    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBZzCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
        c3QwIBcNMDAwMTAxMDAwMDAwWhgPMjEyNjAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
        CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFf9J+JwBYg4imfi
        np9z8fT2fCm+nvTnjP8OD8PKfDKk+QZvy6+qim49UxrO22Qs1oY24gXMMNSevPfD
        htq6irejTjBMMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMBAf8E
        BTADAQH/MB0GA1UdDgQWBBQkSqv0nOxhE6KwkBfmih55d+Vd4zAKBggqhkjOPQQD
        AgNIADBFAiB1SpGo28v1J8xAs/l22zycgUjDlHWAwFpTuiun4KFMfwIhAN1SPTua
        bti2o0+kEWjlq+4NVHTavpU7ELCS76s0x8GX
        -----END CERTIFICATE-----
        """

    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgsoPw/B7dYa6s3gvj
        YtX/0hG7P+HLIqFNttKZLGyo2VehRANCAARX/SficAWIOIpn4p6fc/H09nwpvp70
        54z/Dg/DynwypPkGb8uvqopuPVMazttkLNaGNuIFzDDUnrz3w4bauoq3
        -----END PRIVATE KEY-----
        """
}
