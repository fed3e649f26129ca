import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// What the clock does to a transport, and what a reset does to its peer.
@Suite struct DeadlineTests {
    private static let much = patternBytes(10 << 20)

    // MARK: - close(timeout:)

    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func aCloseThatTakesTooLongDropsTheRest(kind: LoopKind, over: SocketPair.Kind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder, over: over)
            transport.write(Self.much)
            transport.close(timeout: .seconds(5))
            try loop.settle()
            #expect(transport.isClosing && recorder.lostCount == 0)
            backend.advanceClock(by: .seconds(4))
            try loop.settle()
            #expect(recorder.lostCount == 0)
            backend.advanceClock(by: .seconds(1))
            try loop.turn(until: { recorder.lostCount == 1 })
            #expect(recorder.lostError as? TimeoutError == TimeoutError(timeout: .seconds(5)))
            #expect(loop.timers.count == 0)
            peer.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCloseInTimeSendsAllAndLeavesNoTimer(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            transport.write(Self.much)
            transport.close(timeout: .seconds(5))
            try loop.turn(until: {
                peer.read()
                return recorder.lostCount == 1
            })
            #expect(recorder.lostError == nil && loop.timers.count == 0)
            try loop.settle()
            peer.waitUntilOver()
            #expect(peer.received == Self.much)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theTimeOfACloseCanBeSetLaterAndAgain(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let last = Duration.seconds(3)
            for first in [nil, Duration.seconds(1), .seconds(9)] {
                let recorder = RecordingProtocol()
                let (transport, peer) = try loop.connect(recorder)
                transport.write(Self.much)
                if let first { transport.close(timeout: first) } else { transport.close() }
                transport.close(timeout: last)
                backend.advanceClock(by: .seconds(2))
                try loop.settle()
                #expect(recorder.lostCount == 0)
                backend.advanceClock(by: .seconds(1))
                try loop.turn(until: { recorder.lostCount == 1 })
                #expect(recorder.lostError as? TimeoutError == TimeoutError(timeout: last))
                peer.close()
            }
            // No time at all, with and without something to send.
            for writes in [false, true] {
                let recorder = RecordingProtocol()
                let (transport, peer) = try loop.connect(recorder)
                if writes { transport.write(Self.much) }
                transport.close(timeout: .zero)
                try loop.turn(until: { recorder.lostCount == 1 })
                #expect((recorder.lostError is TimeoutError) == writes)
                transport.close(timeout: .seconds(1))
                peer.close()
            }
            try loop.settle()
            #expect(loop.timers.count == 0)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func pipesAndDatagramsHaveTheSameTime(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let writer = RecordingProtocol()
            let (transport, pipe) = try loop.connectWriter(writer)
            transport.write(Self.much)
            transport.close(timeout: .seconds(2))
            let sender = RecordingDatagramProtocol()
            let (endpoint, peer) = try loop.connectEndpoint(sender)
            _ = try loop.fill(endpoint)
            endpoint.close(timeout: .milliseconds(500))
            try loop.settle()
            #expect(writer.lostCount == 0 && sender.lostCount == 0)
            backend.advanceClock(by: .milliseconds(500))
            try loop.turn(until: { sender.lostCount == 1 })
            #expect(sender.lostErrors[0] as? TimeoutError == TimeoutError(timeout: .milliseconds(500)))
            #expect(writer.lostCount == 0)
            backend.advanceClock(by: .milliseconds(1500))
            try loop.turn(until: { writer.lostCount == 1 })
            #expect(writer.lostError as? TimeoutError == TimeoutError(timeout: .seconds(2)))
            try loop.turnUntilClosed(transport)
            withExtendedLifetime((pipe, peer)) {}
        }
    }

    // MARK: - Idle connections

    @Test(arguments: LoopKind.allCases)
    func aConnectionOnWhichNothingMovesIsLost(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            #expect(transport.idleTimeout == nil)
            try transport.setIdleTimeout(.seconds(60))
            #expect(transport.idleTimeout == .seconds(60))
            for moves in ["received", "written", nil] {
                // It moves just before the end.
                for _ in 0..<3 {
                    backend.advanceClock(by: .seconds(15))
                    try loop.settle()
                }
                #expect(recorder.lostCount == 0)
                switch moves {
                case "received":
                    peer.write("?")
                    try loop.turn(until: { recorder.text == "?" })
                case "written": transport.write("!")
                default: break
                }
            }
            backend.advanceClock(by: .seconds(14))
            try loop.settle()
            #expect(recorder.lostCount == 0)
            // It is a quarter late at most.
            backend.advanceClock(by: .seconds(1 + 15))
            try loop.turn(until: { recorder.lostCount == 1 })
            #expect(recorder.lostError as? TimeoutError == TimeoutError(timeout: .seconds(60)))
            #expect(loop.timers.count == 0)
            peer.close()
        }
    }

    /// A peer that takes what it is sent, however slowly, is alive; one that does not is not, although there is much to send.
    @Test(arguments: LoopKind.allCases)
    func whatIsTakenOfAWriteMoves(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            transport.write(Self.much)
            try transport.setIdleTimeout(.seconds(4))
            for _ in 0..<8 {
                let before = transport.writeBufferSize
                try loop.turn(until: {
                    peer.read(limit: 1 << 16)
                    return transport.writeBufferSize < before
                })
                backend.advanceClock(by: .seconds(1))
                try loop.settle()
            }
            #expect(recorder.lostCount == 0 && transport.writeBufferSize > 0)
            for _ in 0..<6 {
                backend.advanceClock(by: .seconds(1))
                try loop.settle()
            }
            try loop.turn(until: { recorder.lostCount == 1 })
            #expect(recorder.lostError is TimeoutError)
            peer.close()
        }
    }

    /// So is what is taken of a file.
    @Test(arguments: LoopKind.allCases)
    func whatIsTakenOfAFileMoves(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let place = try TemporaryFile([], length: 40 << 20)
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            try transport.setIdleTimeout(.seconds(4))
            let task = loop.createTask {
                let file = try await File.open(place.path, on: loop)
                do { _ = try await loop.sendFile(transport, file) } catch {
                    try await file.close()
                    throw error
                }
                try await file.close()
            }
            for _ in 0..<8 {
                // More than the socket's buffers hold.
                let wanted = peer.received.count + (3 << 20)
                try loop.turn(until: {
                    peer.read(limit: 1 << 18)
                    return peer.received.count >= wanted
                })
                backend.advanceClock(by: .seconds(1))
                try loop.settle()
            }
            #expect(recorder.lostCount == 0 && !task.done)
            for _ in 0..<6 {
                backend.advanceClock(by: .seconds(1))
                try loop.settle()
            }
            try loop.turn(until: { recorder.lostCount == 1 && task.done })
            #expect(recorder.lostError is TimeoutError)
            #expect(throws: (any Error).self) { try task.result() }
            peer.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anIdleTimeoutCanBeTakenOffAndSetAnew(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            try transport.setIdleTimeout(nil)
            try transport.setIdleTimeout(.seconds(4))
            try transport.setIdleTimeout(nil)
            #expect(transport.idleTimeout == nil && loop.timers.count == 0)
            backend.advanceClock(by: .seconds(100))
            try loop.settle()
            #expect(recorder.lostCount == 0)
            try transport.setIdleTimeout(.seconds(100))
            backend.advanceClock(by: .seconds(90))
            try loop.settle()
            // The time begins anew.
            try transport.setIdleTimeout(.seconds(20))
            backend.advanceClock(by: .seconds(19))
            try loop.settle()
            #expect(recorder.lostCount == 0)
            backend.advanceClock(by: .seconds(6))
            try loop.turn(until: { recorder.lostCount == 1 })
            for timeout in [Duration.zero, .seconds(-1)] {
                #expect(throws: EventLoopError.self) { try transport.setIdleTimeout(timeout) }
            }
            // Too late, and harmless.
            try transport.setIdleTimeout(.seconds(1))
            #expect(loop.timers.count == 0)
            peer.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aServerGivesEachConnectionItsIdleTimeout(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            var options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
            options.idleTimeout = .zero
            let refused = #expect(throws: EventLoopError.self) {
                _ = try loop.serve(options) { RecordingProtocol() }
            }
            #expect(refused?.description.contains("idleTimeout") == true)
            options.idleTimeout = .seconds(8)
            var accepted: [RecordingProtocol] = []
            let server = try loop.serve(options) {
                accepted.append(RecordingProtocol.echo())
                return accepted[accepted.count - 1]
            }
            let peers = try (0..<2).map { _ in try RawPeer(connectedTo: server.port) }
            try loop.turn(until: { accepted.count == 2 })
            for _ in 0..<5 {
                backend.advanceClock(by: .seconds(2))
                peers[1].write("?")
                let count = accepted[1].received.count
                try loop.turn(until: { accepted[1].received.count > count })
            }
            try loop.turn(until: { accepted[0].lostCount == 1 })
            #expect(accepted[0].lostError is TimeoutError && accepted[1].lostCount == 0)
            // One that was used and idles is still one that was used, to a graceful stop.
            backend.advanceClock(by: .seconds(2))
            try loop.settle()
            let task = loop.createTask { await server.shutdownGracefully(timeout: .seconds(1)) }
            try loop.turn(until: { !server.isServing })
            try loop.settle()
            #expect(accepted[1].lostCount == 0)
            backend.advanceClock(by: .seconds(1))
            #expect(try loop.runUntilComplete(task) == ShutdownSummary(aborted: 1))
            for peer in peers { peer.close() }
        }
    }

    // MARK: - abort(withReset:)

    @Test(arguments: LoopKind.allCases, [false, true])
    func anAbortWithAResetIsOneToThePeer(kind: LoopKind, resets: Bool) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder, over: .tcp)
            transport.write("begun")
            try loop.turn(until: {
                peer.read()
                return peer.text == "begun"
            })
            transport.abort(withReset: resets)
            try loop.turn(until: { recorder.lostCount == 1 })
            #expect(recorder.lostError == nil)
            let stream = try #require(transport as? StreamSocketTransport)
            try loop.turn(until: { stream.phase == .closed })
            try loop.settle()
            #expect(endOfPeer(peer) == (resets ? ECONNRESET : 0))
            peer.close()
        }
    }

    /// A proxy hears of a reset on one side and passes it on.
    @Test(arguments: LoopKind.allCases)
    func aResetGoesThroughAProxy(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (front, back) = (RecordingProtocol(), RecordingProtocol())
            let (frontTransport, client) = try loop.connect(front, over: .tcp)
            let (_, upstream) = try loop.connect(back, over: .tcp)
            back.onLost = { [unowned back] _ in frontTransport.abort(withReset: back.lostError != nil) }
            upstream.reset()
            try loop.turn(until: { front.lostCount == 1 })
            #expect((back.lostError as? SocketError)?.errno == .connectionReset)
            let stream = try #require(frontTransport as? StreamSocketTransport)
            try loop.turn(until: { stream.phase == .closed })
            try loop.settle()
            #expect(endOfPeer(client) == ECONNRESET)
            client.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatKnowsNoResetIsAborted(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            transport.abort(withReset: true)
            try loop.turn(until: { recorder.lostCount == 1 })
            try loop.settle()
            peer.waitUntilOver()
            #expect(recorder.lostError == nil)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aLoopThatClosesResetsAsWell(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol(), over: .tcp)
            transport.abort(withReset: true)
            try loop.close()
            #expect(endOfPeer(peer) == ECONNRESET)
            peer.close()
        }
    }

    // MARK: - Peers

    /// Blocks until the peer's connection is over, and returns the errno that it ended with, zero for an end of stream.
    private func endOfPeer(_ peer: RawPeer) -> Int32 {
        var interest = pollfd(fd: peer.descriptor, events: Int16(POLLIN), revents: 0)
        poll(&interest, 1, Int32(TestLimit.wait / .milliseconds(1)))
        var byte: UInt8 = 0
        let count = recv(peer.descriptor, &byte, 1, Int32(MSG_DONTWAIT))
        return count == 0 ? 0 : errno
    }
}
