import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// A group's server that is served until its end, and paused meanwhile.
@Suite struct EventLoopGroupServingTests {
    private let loopback = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))

    /// A real-time signal of this loop's own, for one test: no other is told of it.
    private static func signal(_ kind: LoopKind) throws -> Signal {
        Signal(rawValue: 59 + Int32(try #require(LoopKind.allCases.firstIndex(of: kind))))
    }

    /// A server that does not accept yet, with as many connections as its protocols are noted, and how often those were asked to end.
    private func makeServer(
        of group: EventLoopGroup,
        _ made: Record<Int>,
        _ asked: Record<Int> = Record()
    ) async throws -> EventLoopGroupServer {
        var options = loopback
        options.startServing = false
        return try await group.createServer(options) {
            let recorder = RecordingProtocol.echo()
            recorder.onShutdownRequested = {
                asked.append(1)
                return .whenDone
            }
            made.append(1)
            return recorder
        }
    }

    private func connect(_ count: Int, to server: EventLoopGroupServer) throws -> [RawPeer] {
        let port = try #require(server.port)
        return try (0..<count).map { _ in try RawPeer(connectedTo: port) }
    }

    /// Until every loop's part serves, or none does.
    private func waitUntil(isServing: Bool = true, _ server: EventLoopGroupServer) async throws {
        try await eventually {
            for part in server.servers where try await part.run({ $0.isServing }) != isServing {
                return false
            }
            return true
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aSignalStopsEveryLoopsPartGracefully(kind: LoopKind) async throws {
        let signal = try Self.signal(kind)
        try await kind.withGroup { group in
            let (made, asked) = (Record<Int>(), Record<Int>())
            // First those who take the signal and serve nobody: a task that is cancelled beforehand, and a signal that none can catch.
            let unserved = try await makeServer(of: group, made)
            let cancelled = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await unserved.serve(until: [signal], grace: .seconds(3600))
            }
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            #expect(throws: Errno.connectionRefused) { try connect(1, to: unserved) }
            await #expect(throws: SignalError.uncatchable(.kill)) {
                try await unserved.serve(until: [signal, .kill], grace: .zero)
            }
            #expect(signalDisposition(signal.rawValue) == .default)
            let server = try await makeServer(of: group, made, asked)
            let serving = Task { try await server.serve(until: [signal], grace: .seconds(3600)) }
            try await waitUntil(server)
            let peers = try connect(8, to: server)
            try await eventually { made.entries.count == 8 }
            // Sent where it is not blocked, to this process's handler.
            try await group.runOnEach { loop in
                guard loop === group.members[1] else { return }
                unblockSignal(signal.rawValue)
                pthread_kill(pthread_self(), signal.rawValue)
            }
            try await eventually { asked.entries.count == 8 }
            // A loop without connections may be the last to hear of it.
            try await waitUntil(isServing: false, server)
            #expect(throws: Errno.connectionRefused) { try connect(1, to: server) }
            // The next one ends the program, by the kernel.
            #expect(signalDisposition(signal.rawValue) == .default)
            for peer in peers { peer.close() }
            #expect(try await serving.value == ShutdownSummary(drained: 8))
            #expect(signalDisposition(signal.rawValue) == .default)
            await #expect(throws: EventLoopError.invalidState("the server is closed")) {
                try await server.serve(until: [signal], grace: .zero)
            }
            // The loops run on.
            #expect(try await group.runOnEach { _ in 1 } == [1, 1])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCloseAndACancelStopItAsGracefully(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            for cancels in [false, true] {
                let (made, asked) = (Record<Int>(), Record<Int>())
                let server = try await makeServer(of: group, made, asked)
                let serving = Task { try await server.serve(until: [], grace: .seconds(3600)) }
                try await waitUntil(server)
                await #expect(throws: EventLoopError.invalidState("serve runs already")) {
                    try await server.serve(until: [], grace: .zero)
                }
                let peers = try connect(6, to: server)
                try await eventually { made.entries.count == 6 }
                if cancels { serving.cancel() } else { server.close() }
                // Cancelled or not, the connections have their time.
                try await eventually { asked.entries.count == 6 }
                for peer in peers {
                    peer.write("still there")
                    try await eventually {
                        peer.read()
                        return peer.text == "still there"
                    }
                    peer.close()
                }
                if cancels {
                    await #expect(throws: CancellationError.self) { try await serving.value }
                } else {
                    #expect(try await serving.value == ShutdownSummary(drained: 6))
                }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aGroupThatEndsEndsItsServing(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let made = Record<Int>()
            let server = try await makeServer(of: group, made)
            let serving = Task { try await server.serve(until: [], grace: .zero) }
            try await waitUntil(server)
            let peers = try connect(2, to: server)
            try await eventually { made.entries.count == 2 }
            group.shutdown()
            await #expect(throws: EventLoopError.closed) { try await serving.value }
            for peer in peers { peer.waitUntilOver() }
            await #expect(throws: EventLoopError.closed) { try await server.serve(until: [], grace: .zero) }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func servedByOneOfItsLoopsItStopsThereToo(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let (made, asked) = (Record<Int>(), Record<Int>())
            let server = try await makeServer(of: group, made, asked)
            let serving = try group.members[1].runCoroutineThreadSafe {
                try await server.serve(until: [], grace: .seconds(3600))
            }
            try await waitUntil(server)
            let peers = try connect(4, to: server)
            try await eventually { made.entries.count == 4 }
            server.close()
            try await eventually { asked.entries.count == 4 }
            for peer in peers { peer.close() }
            let summary = try await serving.value()
            #expect(summary == ShutdownSummary(drained: 4))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aPauseHoldsOnEveryLoop(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let made = Record<Int>()
            let server = try await makeServer(of: group, made)
            try await server.startServing()
            let first = try connect(4, to: server)
            try await eventually { made.entries.count == 4 }
            #expect(!server.isAcceptingPaused)
            server.pauseAccepting()
            server.pauseAccepting()
            #expect(server.isAcceptingPaused)
            // Heard on every loop, once each has answered.
            let paused = try await group.runOnEach {
                ($0 as? BaseEventLoop)?.openServers.map(\.isAcceptingPaused)
            }
            #expect(paused == [[true], [true]])
            let later = try connect(16, to: server)
            for peer in first {
                peer.write("go on")
                try await eventually {
                    peer.read()
                    return peer.text == "go on"
                }
            }
            #expect(made.entries.count == 4)
            server.resumeAccepting()
            try await eventually { made.entries.count == 20 }
            #expect(!server.isAcceptingPaused)
            for peer in first + later { peer.close() }
            server.close()
            try await server.waitClosed()
            // Afterwards it does nothing.
            server.pauseAccepting()
            server.resumeAccepting()
        }
    }
}
