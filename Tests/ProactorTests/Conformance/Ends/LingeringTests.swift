import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Nothing that a close waits for holds up the loop. A socket lingers longer here than a test may last.
@Suite struct LingeringTests {
    enum Way: CaseIterable, Sendable {
        case connectAccepted, createConnection, givenListener, shownDescriptor, shownListener, pipe
    }

    private static func letLinger(_ socket: Int32, seconds: Int32) {
        var value = linger(l_onoff: 1, l_linger: seconds)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }

    /// A connection whose socket lingers, and the other end of it.
    private static func connect(
        _ way: Way,
        _ connectionProtocol: RecordingProtocol,
        on loop: BaseEventLoop,
        seconds: Int32 = 3600
    ) throws -> (transport: any WriteTransport, peer: RawPeer, server: Server?) {
        switch way {
        case .connectAccepted, .createConnection, .pipe:
            let pair = try SocketPair(.tcp)
            letLinger(pair.first.rawValue, seconds: seconds)
            let transport: any WriteTransport = try loop.run {
                switch way {
                case .pipe: try await loop.connectWritePipe(pair.first) { connectionProtocol }.transport
                case .createConnection:
                    try await loop.createConnection(socket: pair.first) { connectionProtocol }.transport
                default: try await loop.connectAcceptedSocket(pair.first) { connectionProtocol }.transport
                }
            }
            return (transport, RawPeer(pair.second), nil)
        case .givenListener, .shownDescriptor, .shownListener:
            var options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
            if way == .givenListener {
                let listener = try SocketPair.check(socket(AF_INET, SOCK_STREAM_CLOEXEC, 0))
                _ = try SocketPair.bindToLoopback(listener)
                letLinger(listener, seconds: seconds)
                options = ServerOptions(.socket(FileDescriptor(rawValue: listener)))
            }
            let server = try loop.serve(options) { connectionProtocol }
            if way == .shownListener { letLinger(server.sockets[0].descriptor.rawValue, seconds: seconds) }
            let peer = try RawPeer(connectedTo: loop.port(of: server))
            try loop.turn { connectionProtocol.transport != nil }
            let transport = try #require(connectionProtocol.transport)
            if way == .shownDescriptor {
                letLinger(try #require(transport.extraInfo(.socket)).descriptor.rawValue, seconds: seconds)
            }
            return (transport, peer, server)
        }
    }

    @Test(arguments: LoopKind.allCases, Way.allCases)
    func aSocketThatLingersIsClosedWithoutWaiting(kind: LoopKind, way: Way) async throws {
        try await kind.withLoop { loop in
            for aborts in [true, false] {
                let lost = RecordingProtocol()
                let (transport, peer, server) = try Self.connect(way, lost, on: loop)
                // More than the peer's kernel takes, unless it is to be sent to its end.
                let bytes = [UInt8](repeating: 1, count: aborts ? 16 << 20 : 1000)
                transport.write(bytes)
                try loop.settle(turns: 3)
                if aborts { transport.abort() } else { transport.close() }
                try loop.turn { lost.lostCount == 1 }
                server?.close()
                try loop.run { try await server?.waitClosed() }
                try loop.turn { loop.openTransports.count == 0 && loop.backend.operationCount == 0 }
                // What the kernel had taken comes all the same.
                peer.waitUntilOver()
                #expect(peer.sawEnd)
                #expect(aborts ? peer.received.count > 0 : peer.received.count == bytes.count)
            }
        }
    }

    @Test(arguments: LoopKind.allCases, Way.allCases)
    func aLoopClosesWithoutWaitingForASocketThatLingers(kind: LoopKind, way: Way) async throws {
        try await kind.withLoop { loop in
            let (transport, peer, _) = try Self.connect(way, RecordingProtocol(), on: loop)
            transport.write([UInt8](repeating: 1, count: 16 << 20))
            try loop.settle(turns: 3)
            try loop.close()
            peer.waitUntilOver()
            #expect(peer.isOver)
        }
    }

    // To linger for no time is to reset.
    @Test(arguments: LoopKind.allCases)
    func aSocketThatIsToBeResetIsReset(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lost = RecordingProtocol()
            let (transport, peer, _) = try Self.connect(.connectAccepted, lost, on: loop, seconds: 0)
            transport.close()
            try loop.turn { lost.lostCount == 1 }
            try loop.turn { loop.openTransports.count == 0 && loop.backend.operationCount == 0 }
            peer.waitUntilOver()
            #expect(peer.failure == .connectionReset)
        }
    }

    // A close that takes its time has a thread of its own, or the kernel's, also where there is no executor any more.
    @Test(arguments: LoopKind.allCases)
    func aFileIsClosedAfterItsExecutorWasShutDown(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pipe = try RawPipe()
            try loop.run {
                let file = File(descriptor: pipe.lend(pipe.writing), on: loop)
                try await loop.shutdownDefaultExecutor(timeout: nil)
                try await file.close()
            }
            #expect(pipe.readToEnd())
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTerminalIsClosedByWhoeverMayWait(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            var closes: [OperationKind] = []
            backend.onSubmit = { operation in
                if operation.kind == .close || operation.kind == .closeFile { closes.append(operation.kind) }
            }
            let terminal = try TestTerminal()
            let lost = RecordingProtocol()
            let side = try terminal.takeSide()
            let (transport, _) = try loop.run { try await loop.connectWritePipe(side) { lost } }
            transport.close()
            try loop.turn { lost.lostCount == 1 }
            try loop.turn { loop.openTransports.count == 0 && loop.backend.operationCount == 0 }
            // Of a terminal the transport has an open file of its own, where it can. What waits is the last close.
            #expect(closes.last == .closeFile)
        }
    }
}
