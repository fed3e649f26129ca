import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct UnixServerTests {
    /// Runs `body` with a path at which nothing stands, short enough for a socket.
    private static func withPath(_ body: (String) throws -> Void) throws {
        let folder = "/tmp/proactor-\(UUID().uuidString.prefix(13))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder + "/socket")
    }

    private static func exchange(at address: SocketAddress, on loop: BaseEventLoop) throws {
        let (transport, client) = try loop.run {
            try await loop.createConnection(ConnectionOptions(.unix(address))) { RecordingProtocol() }
        }
        #expect(transport.extraInfo(.peerName) == address)
        transport.write("hello")
        try loop.turn { client.text == "hello" }
        transport.close()
        try loop.turn { client.lostCount == 1 }
    }

    // Behaviour 20
    @Test(arguments: LoopKind.allCases, [false, true])
    func theSocketFileIsRemovedOnClose(kind: LoopKind, cleanup: Bool) async throws {
        try await kind.withLoop { loop in
            try Self.withPath { path in
                var options = ServerOptions(.unix(.unix(path: path)))
                options.cleanupSocket = cleanup
                let server = try loop.serve(options) { RecordingProtocol.echo() }
                try Self.exchange(at: .unix(path: path), on: loop)
                server.close()
                #expect(access(path, F_OK) == (cleanup ? -1 : 0))
                try loop.run { try await server.waitClosed() }
            }
        }
    }

    // Behaviour 20
    @Test(arguments: LoopKind.allCases)
    func aFileThatHasReplacedItIsKept(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try Self.withPath { path in
                let options = ServerOptions(.unix(.unix(path: path)))
                let first = try loop.serve(options) { RecordingProtocol.echo() }
                // A second server takes the path over while the first one serves, once that path is free.
                unlink(path)
                let second = try loop.serve(options) { RecordingProtocol.echo() }
                first.close()
                try loop.settle(turns: 3)
                try Self.exchange(at: .unix(path: path), on: loop)
                unlink(path)
                #expect(FileManager.default.createFile(atPath: path, contents: Data([1])))
                second.close()
                #expect(access(path, F_OK) == 0)
                // A path that is gone is no error.
                unlink(path)
                let third = try loop.serve(options) { RecordingProtocol() }
                unlink(path)
                third.close()
            }
        }
    }

    // Behaviour 21
    @Test(arguments: LoopKind.allCases)
    func aStalePathIsUsedAgain(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try Self.withPath { path in
                let system = LinuxSystemCalls(nonBlocking: false)
                let stale = try system.makeSocket(.unix, .stream)
                try system.bind(stale, to: .unix(path: path))
                try stale.close()
                #expect(access(path, F_OK) == 0)
                let server = try loop.serve(ServerOptions(.unix(.unix(path: path)))) {
                    RecordingProtocol.echo()
                }
                try Self.exchange(at: .unix(path: path), on: loop)
                server.close()
                try loop.run { try await server.waitClosed() }
            }
        }
    }

    // Behaviour 21
    @Test(arguments: LoopKind.allCases)
    func aRegularFileIsRefusedAndKept(kind: LoopKind) async throws {
        try await kind.withLoop(hosts: [:]) { loop in
            try Self.withPath { path in
                #expect(FileManager.default.createFile(atPath: path, contents: Data("keep me".utf8)))
                let error = #expect(throws: SocketError.self) {
                    try loop.serve(ServerOptions(.unix(.unix(path: path)))) { RecordingProtocol() }
                }
                #expect(error?.errno == .addressInUse)
                #expect(error?.address == .unix(path: path))
                #expect(FileManager.default.contents(atPath: path) == Data("keep me".utf8))
                let missing = path + "/below/a/file"
                let other = #expect(throws: SocketError.self) {
                    try loop.serve(ServerOptions(.unix(.unix(path: missing)))) { RecordingProtocol() }
                }
                #expect(other?.address == .unix(path: missing))
            }
        }
    }

    // Behaviour 20
    @Test(arguments: LoopKind.everywhere)
    func abstractNamesNeedNoFile(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // Any bytes, a zero among them.
            let address = SocketAddress.unixAbstract(name: Array("proactor-\(UUID())".utf8) + [0, 7])
            let server = try loop.serve(ServerOptions(.unix(address))) { RecordingProtocol.echo() }
            #expect(try server.sockets[0].localAddress() == address)
            try Self.exchange(at: address, on: loop)
            let error = #expect(throws: SocketError.self) {
                try loop.serve(ServerOptions(.unix(address))) { RecordingProtocol() }
            }
            #expect(error?.errno == .addressInUse)
            server.close()
            try loop.run { try await server.waitClosed() }
            #expect(throws: EventLoopError.self) {
                try loop.serve(ServerOptions(.unix(.ipv4(.loopback, port: 1)))) { RecordingProtocol() }
            }
        }
    }

    // Behaviour 20
    @Test(arguments: LoopKind.allCases)
    func aClosedLoopRemovesTheFileToo(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try Self.withPath { path in
                _ = try loop.serve(ServerOptions(.unix(.unix(path: path)))) { RecordingProtocol() }
                try loop.close()
                #expect(access(path, F_OK) == -1)
            }
        }
    }
}
