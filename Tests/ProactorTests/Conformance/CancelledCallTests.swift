import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// A call in a task that is cancelled already begins nothing and hands out nothing, whether it would wait or not.
@Suite struct CancelledCallTests {
    /// A call, and what has to be as it was afterwards.
    private struct Call {
        let name: String
        let body: () async throws -> Void

        init(_ name: String, _ body: @escaping () async throws -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Cancels tasks that make each of the calls, before they begin and a turn later, and expects that all of them end so.
    private static func expectCancelled(_ calls: [Call], on loop: BaseEventLoop) throws {
        for call in calls {
            for waitsATurn in [false, true] {
                var isReached = false
                let task = loop.createTask {
                    if waitsATurn { await Task.yield() } else { withUnsafeCurrentTask { $0?.cancel() } }
                    isReached = true
                    try await call.body()
                }
                if waitsATurn {
                    try loop.turn()
                    task.cancel()
                }
                try loop.turn { task.done }
                #expect(isReached, "\(call.name) was not called")
                #expect(throws: CancellationError.self, "\(call.name)") { try task.result() }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatMakesConnectionsAndServersMakesNone(kind: LoopKind) async throws {
        try await kind.withLoop(hosts: [:]) { loop in
            let folder = try SocketFolder()
            let pair = try SocketPair(.unix)
            let listener = try testSocket(AF_INET)
            _ = try SocketPair.bindToLoopback(listener.rawValue)
            let datagram = try testSocket(AF_INET, .datagram)
            let path = folder.path("socket")
            let address = SocketAddress.unix(path: path)
            let server = try loop.serve { RecordingProtocol() }
            let port = try server.port
            func factory() -> RecordingProtocol {
                Issue.record("a protocol was made")
                return RecordingProtocol()
            }
            func datagramFactory() -> RecordingDatagramProtocol {
                Issue.record("a protocol was made")
                return RecordingDatagramProtocol()
            }
            try Self.expectCancelled(
                [
                    Call("createConnection") {
                        _ = try await loop.createConnection(
                            host: "127.0.0.1",
                            port: port,
                            protocolFactory: factory
                        )
                    },
                    Call("createConnection, a name") {
                        _ = try await loop.createConnection(
                            host: "localhost",
                            port: "http",
                            happyEyeballsDelay: .milliseconds(1),
                            protocolFactory: factory
                        )
                    },
                    Call("createConnection, given") {
                        _ = try await loop.createConnection(socket: pair.first, protocolFactory: factory)
                    },
                    Call("createUnixConnection, given") {
                        _ = try await loop.createUnixConnection(socket: pair.first, protocolFactory: factory)
                    },
                    Call("createUnixConnection") {
                        _ = try await loop.createUnixConnection(path: path, protocolFactory: factory)
                    },
                    Call("connectAcceptedSocket") {
                        _ = try await loop.connectAcceptedSocket(pair.first, protocolFactory: factory)
                    },
                    Call("createServer") {
                        _ = try await loop.createServer(host: "127.0.0.1", port: 0, protocolFactory: factory)
                    },
                    Call("createServer, a name") {
                        _ = try await loop.createServer(
                            host: "localhost",
                            port: "0",
                            protocolFactory: factory
                        )
                    },
                    Call("createServer, given") {
                        _ = try await loop.createServer(socket: listener, protocolFactory: factory)
                    },
                    Call("createUnixServer") {
                        _ = try await loop.createUnixServer(path: path, protocolFactory: factory)
                    },
                    Call("createDatagramEndpoint") {
                        _ = try await loop.createDatagramEndpoint(
                            localAddress: ("127.0.0.1", 0),
                            protocolFactory: datagramFactory
                        )
                    },
                    Call("createDatagramEndpoint, a family") {
                        _ = try await loop.createDatagramEndpoint(
                            family: .ipv4,
                            protocolFactory: datagramFactory
                        )
                    },
                    Call("createDatagramEndpoint, given") {
                        _ = try await loop.createDatagramEndpoint(
                            socket: datagram,
                            protocolFactory: datagramFactory
                        )
                    },
                    Call("createUnixDatagramEndpoint") {
                        _ = try await loop.createUnixDatagramEndpoint(
                            localAddress: address,
                            protocolFactory: datagramFactory
                        )
                    },
                    Call("connectReadPipe") {
                        _ = try await loop.connectReadPipe(pair.first, protocolFactory: factory)
                    },
                    Call("connectWritePipe") {
                        _ = try await loop.connectWritePipe(pair.first, protocolFactory: factory)
                    },
                ],
                on: loop
            )
            #expect(!exists(path))
            #expect(loop.openTransports.count == 0 && loop.openListeners.count == 1)
            // What was given is still open, and the caller's.
            for socket in [pair.first, pair.second, listener, datagram] {
                try loop.descriptors.checkFree(socket)
                try socket.close()
            }
            server.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatStartsOrLooksUpOrReadsDoesNot(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let content = try TemporaryFile([1, 2, 3])
            let created = try TemporaryFile()
            let pair = try SocketPair(.unix)
            let file = try loop.run { try await File.open(content.path, .readWrite, on: loop) }
            let (transport, peer) = try loop.connect(RecordingProtocol())
            let server = try loop.serve { RecordingProtocol() }
            server.close()
            try Self.expectCancelled(
                [
                    Call("subprocessExec") {
                        _ = try await loop.subprocessExec("/bin/true", arguments: [], options: .init()) {
                            RecordingSubprocess()
                        }
                    },
                    Call("subprocessShell") {
                        _ = try await loop.subprocessShell("true", options: .init()) { RecordingSubprocess() }
                    },
                    Call("getaddrinfo") { _ = try await loop.getaddrinfo(host: "127.0.0.1", port: 80) },
                    Call("getaddrinfo, a name") {
                        _ = try await loop.getaddrinfo(host: "localhost", port: 80)
                    },
                    Call("getnameinfo") {
                        _ = try await loop.getnameinfo(
                            .ipv4(.loopback, port: 80),
                            flags: [.numericHost, .numericService]
                        )
                    },
                    Call("getnameinfo, names") { _ = try await loop.getnameinfo(.ipv4(.loopback, port: 80)) },
                    Call("runInExecutor") { try await loop.runInExecutor {} },
                    Call("sockConnect") {
                        try await loop.sockConnect(pair.first, to: .unixAbstract(name: [1]))
                    },
                    Call("sockAccept") { _ = try await loop.sockAccept(pair.first) },
                    Call("sockRecv") { _ = try await loop.sockRecv(pair.first, upTo: 1) },
                    Call("sockRecvFrom") { _ = try await loop.sockRecvFrom(pair.first, upTo: 1) },
                    Call("sockSendAll") { try await loop.sockSendAll(pair.first, "text") },
                    Call("sockSendAll, nothing") { try await loop.sockSendAll(pair.first, "") },
                    Call("sockSendFile") {
                        _ = try await loop.sockSendFile(pair.first, file, offset: 0, count: 0, fallback: true)
                    },
                    Call("sendFile") {
                        _ = try await loop.sendFile(transport, file, offset: 0, count: 0, fallback: true)
                    },
                    Call("File.open") {
                        _ = try await File.open(created.path, .writeOnly, options: [.create], on: loop)
                    },
                    Call("File.read") { _ = try await file.read(count: 2, at: 0) },
                    Call("File.read, nothing") { _ = try await file.read(count: 0, at: 0) },
                    Call("File.write") { try await file.write("text", at: 0) },
                    Call("File.write, nothing") { try await file.write("", at: 0) },
                    Call("File.status") { _ = try await file.status() },
                    Call("File.synchronize") { try await file.synchronize() },
                    Call("waitClosed") { try await server.waitClosed() },
                ],
                on: loop
            )
            #expect(content.content == [1, 2, 3] && !exists(created.path.string))
            #expect(loop.openProcesses.count == 0)
            for socket in [pair.first, pair.second] {
                try loop.descriptors.checkFree(socket)
                try socket.close()
            }
            // What only ends something is done all the same.
            let closing = loop.createTask {
                withUnsafeCurrentTask { $0?.cancel() }
                try await file.close()
            }
            try loop.runUntilComplete(closing)
            #expect(file.isClosed)
            try loop.finish(transport, peer)
        }
    }

    /// It was not told to serve, and does not in a task that has no use for it any more.
    @Test(arguments: LoopKind.allCases)
    func serveForeverClosesAServerThatNeverServed(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let server = try loop.serve(startServing: false) {
                Issue.record("a connection was accepted")
                return RecordingProtocol()
            }
            let port = try server.port
            let task = loop.createTask {
                withUnsafeCurrentTask { $0?.cancel() }
                try await server.serveForever()
            }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(!server.isServing && server.sockets.isEmpty)
            try loop.settle(turns: 3)
            #expect(try RawPeer.refuses(port: port))
        }
    }

    /// In whichever turn the cancel comes, also when the winner is there and the loser still on its way out.
    @Test(arguments: LoopKind.everywhere)
    func aConnectionThatIsWonAfterTheCancelIsClosed(kind: LoopKind) async throws {
        let host = TestAddress.own(90, 1)
        let full = try FullListener(at: .ipv4(host, port: 0))
        let port = try #require(try full.address.port)
        let addresses: [SocketAddress] = [.ipv4(host, port: 0), .ipv4(TestAddress.own(90, 2), port: 0)]
        try await kind.withLoop(hosts: ["both": addresses]) { loop in
            let server = try loop.run {
                try await loop.createServer(host: addresses[1].host, port: port) { RecordingProtocol() }
            }
            var wasInTime = true
            var turns = 0
            while wasInTime {
                var madeCount = 0
                let task = loop.createTask {
                    let (transport, _) = try await loop.createConnection(
                        host: "both",
                        port: port,
                        happyEyeballsDelay: .zero
                    ) { () -> RecordingProtocol in
                        madeCount += 1
                        return RecordingProtocol()
                    }
                    transport.abort()
                }
                try loop.settle(turns: turns)
                wasInTime = !task.done
                task.cancel()
                try loop.turn { task.done }
                #expect(madeCount == (wasInTime ? 0 : 1))
                if wasInTime { #expect(throws: CancellationError.self) { try task.result() } }
                turns += 1
            }
            server.abortClients()
            server.close()
        }
        try full.close()
    }

    @Test(arguments: LoopKind.allCases)
    func aGroupMakesNoServer(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
            let server = try await group.createServer(options) { RecordingProtocol() }
            server.close()
            let calls: [@Sendable () async throws -> Void] = [
                { _ = try await group.createServer(options) { RecordingProtocol() } },
                { _ = try await group.runOnEach { _ in Issue.record("it was run") } },
                { try await group.waitUntilEnded() },
                { try await server.startServing() },
                { try await server.waitClosed() },
            ]
            for call in calls {
                let task = Task {
                    withUnsafeCurrentTask { $0?.cancel() }
                    try await call()
                }
                await #expect(throws: CancellationError.self) { try await task.value }
            }
            try await Self.expectNoServer(group)
        }
    }

    /// Whenever the cancel comes, what the loops have made by then is closed.
    @Test(arguments: LoopKind.allCases)
    func aGroupClosesTheServersThatACancelLeavesBehind(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
            for round in 0..<40 {
                let task = Task { try await group.createServer(options) { RecordingProtocol() } }
                for _ in 0..<round { await Task.yield() }
                task.cancel()
                if let server = try? await task.value { server.close() }
            }
            try await Self.expectNoServer(group)
        }
    }

    private static func expectNoServer(_ group: EventLoopGroup) async throws {
        try await eventually {
            try await group.runOnEach { ($0 as? BaseEventLoop)?.openListeners.count } == [0, 0]
        }
    }
}
