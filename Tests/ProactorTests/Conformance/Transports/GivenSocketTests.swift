import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// What a call makes of a socket that it is given, and of the options that come with it.
@Suite struct GivenSocketTests {
    @Test(arguments: LoopKind.allCases, [false, true])
    func theFileOfAGivenSocketGoesWithItsServer(kind: LoopKind, cleanup: Bool) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let path = folder.path("socket")
            let socket = try SocketFolder.boundSocket(.stream, at: .unix(path: path))
            let server = try loop.run {
                try await loop.createUnixServer(socket: socket, cleanupSocket: cleanup) {
                    RecordingProtocol.echo()
                }
            }
            try loop.exchange(at: .unix(path: path))
            server.close()
            try loop.run { try await server.waitClosed() }
            #expect(exists(path) != cleanup)
        }
    }

    /// Whether the kernel says which file a socket is bound to.
    private func tellsFile(of socket: FileDescriptor, at path: String, _ loop: BaseEventLoop) throws -> Bool {
        let system = loop.backend.system
        let place = try #require(try SocketPlace(Array(path.utf8), by: system))
        defer { place.close() }
        return system.unixSockets.isBound(socket, to: try #require(try place.identity())) != nil
    }

    @Test(arguments: LoopKind.allCases)
    func theFileThatHasReplacedThatOfAGivenSocketStays(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let address = SocketAddress.unix(path: folder.path("socket"))
            // Replaced before it was given, and after.
            for isEarly in [true, false] {
                let socket = try SocketFolder.boundSocket(.stream, at: address)
                // Some kernels tell a user without privileges nothing of a socket but its name.
                guard try !isEarly || tellsFile(of: socket, at: folder.path("socket"), loop) else {
                    try socket.close()
                    unlink(folder.path("socket"))
                    continue
                }
                var replacement: FileDescriptor?
                if isEarly {
                    unlink(folder.path("socket"))
                    replacement = try SocketFolder.boundSocket(.stream, at: address)
                }
                let server = try loop.run {
                    try await loop.createUnixServer(socket: socket) { RecordingProtocol() }
                }
                if !isEarly {
                    unlink(folder.path("socket"))
                    replacement = try SocketFolder.boundSocket(.stream, at: address)
                }
                server.close()
                #expect(exists(folder.path("socket")))
                try replacement?.close()
                unlink(folder.path("socket"))
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aClosedLoopRemovesTheFileOfAGivenSocket(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let socket = try SocketFolder.boundSocket(.stream, at: .unix(path: folder.path("socket")))
            _ = try loop.run {
                try await loop.createUnixServer(socket: socket, startServing: false) { RecordingProtocol() }
            }
            try loop.close()
            #expect(!exists(folder.path("socket")))
        }
    }

    /// As asyncio's, which asks nobody whether the file is to go.
    @Test(arguments: LoopKind.allCases)
    func createServerLeavesTheFileOfAGivenSocket(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let socket = try SocketFolder.boundSocket(.stream, at: .unix(path: folder.path("socket")))
            let server = try loop.run {
                try await loop.createServer(socket: socket) { RecordingProtocol.echo() }
            }
            try loop.exchange(at: .unix(path: folder.path("socket")))
            server.close()
            #expect(exists(folder.path("socket")))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func optionsOfAGivenListenerAreHeededOrRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let socket = try testSocket(AF_INET)
            let port = try SocketPair.bindToLoopback(socket.rawValue)
            let refused: [(String, (inout ServerOptions) -> Void)] = [
                ("reuseAddress", { $0.reuseAddress = true }), ("reusePort", { $0.reusePort = true }),
                ("samePort", { $0.samePort = true }), ("flags", { $0.flags = [.numericHost] }),
                ("permissions", { $0.permissions = [.ownerReadWrite] }), ("family", { $0.family = .ipv6 }),
            ]
            for (name, change) in refused {
                var options = ServerOptions(.socket(socket))
                change(&options)
                let unchanging = options
                try loop.expectInvalidArgument(name) {
                    _ = try await loop.createServer(unchanging) { RecordingProtocol() }
                }
            }
            try loop.expectInvalidArgument("reuseAddress") {
                _ = try await loop.createServer(socket: socket, reuseAddress: true) { RecordingProtocol() }
            }
            // It is still the caller's. What makes sense is heeded.
            let server = try loop.run {
                try await loop.createServer(
                    socket: socket,
                    family: .ipv4,
                    backlog: 7,
                    keepAlive: true,
                    startServing: false
                ) { RecordingProtocol() }
            }
            #expect(!server.isServing)
            #expect(try server.sockets[0].option(.keepAlive) == 1)
            #expect(try RawPeer.refuses(port: port))
            try server.startServing()
            #expect(try backlog(of: socket) == 7)
            server.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func optionsThatAUnixServerHasNoUseForAreRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let address = SocketAddress.unix(path: folder.path("socket"))
            let refused: [(String, (inout ServerOptions) -> Void)] = [
                ("reuseAddress", { $0.reuseAddress = true }), ("reusePort", { $0.reusePort = true }),
                ("samePort", { $0.samePort = true }), ("keepAlive", { $0.keepAlive = true }),
                ("family", { $0.family = .ipv4 }), ("flags", { $0.flags = [.numericHost] }),
                (
                    "permissions",
                    {
                        $0.endpoint = .unix(.unixAbstract(name: [1]))
                        $0.permissions = []
                    }
                ),
                (
                    "permissions",
                    {
                        $0.endpoint = .tcp(hosts: ["127.0.0.1"], port: 0)
                        $0.permissions = []
                    }
                ),
            ]
            for (name, change) in refused {
                var options = ServerOptions(.unix(address))
                change(&options)
                let unchanging = options
                try loop.expectInvalidArgument(name) {
                    _ = try await loop.createServer(unchanging) { RecordingProtocol() }
                }
            }
            #expect(!exists(folder.path("socket")))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func optionsThatAConnectedSocketHasNoUseForAreRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let changes: [(inout ConnectionOptions) -> Void] = [
                { $0.localAddress = ("127.0.0.1", 0) }, { $0.happyEyeballsDelay = .milliseconds(1) },
                { $0.interleave = 1 }, { $0.protocolNumber = 6 }, { $0.flags = [.numericHost] },
            ]
            for endpoint in [ConnectionOptions.Endpoint.socket(pair.first), .unix(.unixAbstract(name: [1]))] {
                for change in changes {
                    var options = ConnectionOptions(endpoint)
                    change(&options)
                    let unchanging = options
                    try loop.expectInvalidArgument("go with a host") {
                        _ = try await loop.createConnection(unchanging) { RecordingProtocol() }
                    }
                }
            }
            var options = ConnectionOptions(.unix(.unixAbstract(name: Array("proactor nobody".utf8))))
            options.allErrors = true
            let asked = options
            let failure = try loop.run {
                await expectError(ConnectionError.self) {
                    try await loop.createConnection(asked) { RecordingProtocol() }
                }
            }
            #expect(failure?.reasons.map(\.errno) == [.connectionRefused])
            try pair.first.close()
            try pair.second.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func optionsThatADatagramSocketHasNoUseForAreRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let socket = try testSocket(AF_INET, .datagram)
            let changes: [(inout DatagramOptions) -> Void] = [
                { $0.permissions = [] }, { $0.reusePort = true }, { $0.allowBroadcast = true },
                { $0.protocolNumber = 17 }, { $0.flags = [.numericHost] },
            ]
            for endpoint in [
                DatagramOptions.Endpoint.socket(socket), .unix(local: .unixAbstract(name: [7]), remote: nil),
            ] {
                for (index, change) in changes.enumerated() {
                    var options = DatagramOptions(endpoint)
                    change(&options)
                    let unchanging = options
                    var text = index == 0 ? "local path" : "for UDP"
                    if case .socket = endpoint { text = "set them before" }
                    try loop.expectInvalidArgument(text) {
                        _ = try await loop.createDatagramEndpoint(unchanging) { RecordingDatagramProtocol() }
                    }
                }
            }
            try socket.close()
        }
    }

    // MARK: - Misfits

    @Test(arguments: LoopKind.allCases, [AF_INET, AF_UNIX])
    func aSocketWithoutAPeerIsRefusedAndStaysTheCallers(kind: LoopKind, family: Int32) async throws {
        try await kind.withLoop { loop in
            let unconnected = try testSocket(family)
            let listening = try testSocket(family)
            let address: SocketAddress =
                family == AF_INET
                ? .ipv4(.loopback, port: 0) : .unixAbstract(name: [UInt8](numbered(listening)))
            try SocketPair.check(try address.withKernelForm { bind(listening.rawValue, $0, $1) })
            try SocketPair.check(listen(listening.rawValue, 5))
            for (socket, text) in [(unconnected, "not connected"), (listening, "listens")] {
                let flags = fcntl(socket.rawValue, F_GETFL)
                try loop.expectInvalidArgument(text) {
                    _ = try await loop.connectAcceptedSocket(socket) { RecordingProtocol() }
                }
                try loop.expectInvalidArgument(text) {
                    _ = try await loop.createConnection(socket: socket) { RecordingProtocol() }
                }
                try loop.expectInvalidArgument(text) {
                    _ = try await loop.connectReadPipe(socket) { RecordingProtocol() }
                }
                try loop.expectInvalidArgument(text) {
                    _ = try await loop.connectWritePipe(socket) { RecordingProtocol() }
                }
                #expect(fcntl(socket.rawValue, F_GETFL) == flags)
            }
            // The listener listens on.
            let server = try loop.run {
                try await loop.createServer(ServerOptions(.socket(listening))) { RecordingProtocol() }
            }
            server.close()
            try unconnected.close()
        }
    }

    /// Its peer is gone, but there was one: the protocol hears of the end.
    @Test(arguments: LoopKind.allCases)
    func anAcceptedSocketThatWasResetIsServedToItsEnd(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.tcp)
            RawPeer(pair.second).reset()
            let recorder = RecordingProtocol()
            _ = try loop.run { try await loop.connectAcceptedSocket(pair.first) { recorder } }
            try loop.turn { recorder.lostCount == 1 }
        }
    }

    private func numbered(_ socket: FileDescriptor) -> String.UTF8View {
        "proactor-\(getpid())-\(socket.rawValue)-\(ContinuousClock.now)".utf8
    }

    /// Of a listener, the kernel's `tcp_info` tells it as `tcpi_sacked`.
    private func backlog(of listener: FileDescriptor) throws -> Int {
        var info = [UInt32](repeating: 0, count: 64)
        var size = socklen_t(info.count * MemoryLayout<UInt32>.size)
        try SocketPair.check(getsockopt(listener.rawValue, Int32(IPPROTO_TCP), 11, &info, &size))
        return Int(info[7])
    }
}
