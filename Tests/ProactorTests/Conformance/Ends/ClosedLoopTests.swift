import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// What is left of a loop's objects when it is closed: nothing that works, and nothing that does harm.
@Suite struct ClosedLoopTests {
    /// Calls something when it is released.
    private final class LastCall {
        var call: (() -> Void)?

        deinit { call?() }
    }

    private final class LastCallProtocol: StreamProtocol {
        let last = LastCall()

        func dataReceived(_ data: RawSpan) {}
    }

    /// Runs `body` with an object of the program's that calls everything there is when it is released.
    private static func release(
        _ kind: LoopKind,
        _ keep: @escaping @Sendable (BaseEventLoop, LastCall, Server) throws -> Void
    ) async throws {
        try await kind.withLoop { loop in
            var calls = 0
            let peer: RawPeer
            do {
                let serving = try loop.serve { LastCallProtocol() }
                let ready = try loop.serve(startServing: false) { LastCallProtocol() }
                let other = RecordingProtocol()
                let (transport, otherPeer) = try loop.connect(other)
                peer = otherPeer
                let pipe = try RawPipe()
                try loop.addReader(pipe.reading) {}
                let last = LastCall()
                last.call = { [unowned loop] in
                    calls += 1
                    serving.close()
                    serving.closeClients()
                    serving.abortClients()
                    ready.close()
                    #expect(throws: EventLoopError.closed) { try ready.startServing() }
                    transport.write("too late")
                    transport.abort()
                    _ = try? loop.removeReader(pipe.reading)
                    loop.stop()
                }
                try keep(loop, last, serving)
            }
            try loop.settle()
            try loop.close()
            #expect(calls == 1)
            peer.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aProtocolThatIsReleasedMayCallAnything(kind: LoopKind) async throws {
        try await Self.release(kind) { loop, last, _ in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            _ = try loop.run {
                try await loop.connectAcceptedSocket(pair.first) {
                    let made = LastCallProtocol()
                    made.last.call = { withExtendedLifetime((last, peer)) {} }
                    return made
                }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whateverElseIsReleasedMayCallAnything(kind: LoopKind) async throws {
        // A timer, a callback that does not run any more, a reader, a factory, and a signal handler.
        try await Self.release(kind) { loop, last, _ in
            try loop.callLater(.seconds(3600)) { withExtendedLifetime(last) {} }
        }
        try await Self.release(kind) { loop, last, _ in
            let pipe = try RawPipe()
            try loop.addReader(pipe.reading) { withExtendedLifetime((last, pipe)) {} }
        }
        try await Self.release(kind) { loop, last, _ in
            _ = try loop.serve {
                withExtendedLifetime(last) {}
                return RecordingProtocol()
            }
        }
        try await Self.release(kind) { loop, last, _ in
            try loop.addSignalHandler(.user2) { withExtendedLifetime(last) {} }
        }
        try await Self.release(kind) { loop, last, _ in
            let recorder = RecordingSubprocess()
            recorder.onExit = { withExtendedLifetime(last) {} }
            _ = try loop.startShell("exec sleep 3600", recorder)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aServerOfAClosedLoopDoesNothing(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let ready = try loop.serve(startServing: false) { RecordingProtocol() }
            let serving = try loop.serve { RecordingProtocol() }
            let closed = try loop.serve { RecordingProtocol() }
            closed.close()
            try loop.run { try await closed.waitClosed() }
            let socket = serving.sockets[0]
            try loop.close()
            #expect(throws: EventLoopError.closed) { try ready.startServing() }
            #expect(throws: EventLoopError.closed) { try serving.startServing() }
            #expect(throws: EventLoopError.closed) { try closed.startServing() }
            #expect(!serving.isServing && serving.sockets.isEmpty && ready.sockets.isEmpty)
            // The number may be a stranger's.
            #expect(throws: Errno.badFileDescriptor) { try socket.localAddress() }
            #expect(throws: Errno.badFileDescriptor) { try socket.setOption(.keepAlive, to: 1) }
            #expect(throws: Errno.badFileDescriptor) { try socket.option(.keepAlive) }
            let other = try kind.makeLoop()
            try other.run {
                try await closed.waitClosed()
                await #expect(throws: EventLoopError.closed) { try await serving.waitClosed() }
                await #expect(throws: EventLoopError.closed) { try await serving.serveForever() }
                #expect(await serving.shutdownGracefully(timeout: .seconds(1)) == ShutdownSummary())
                serving.close()
                try await serving.withScope { () async throws in }
            }
            try other.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatElseAClosedLoopLeavesDoesNothing(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol())
            let socket = try #require(transport.extraInfo(.socket))
            let future = loop.createFuture()
            let place = try TemporaryFile([1, 2, 3])
            let file = try loop.run { try await File.open(place.path, on: loop) }
            let (child, _) = try loop.startShell("exec sleep 3600")
            let handle = try loop.callSoon {}
            let timer = try loop.callLater(.seconds(1)) {}
            try loop.close()
            #expect(throws: Errno.badFileDescriptor) { try socket.peerAddress() }
            #expect(transport.extraInfo(.socket) == nil)
            transport.write("too late")
            transport.pauseReading()
            transport.close()
            handle.cancel()
            timer.cancel()
            #expect(try !child.sendSignal(.kill))
            child.close()
            let other = try kind.makeLoop()
            try other.run {
                await #expect(throws: EventLoopError.closed) { try await future.value() }
                await #expect(throws: EventLoopError.closed) { _ = try await child.wait() }
                await #expect(throws: EventLoopError.closed) { _ = try await file.read(count: 1, at: 0) }
                await #expect(throws: EventLoopError.closed) { try await file.close() }
            }
            try other.close()
            peer.close()
        }
    }

    // A factory that takes one connection and closes its server.
    @Test(arguments: LoopKind.allCases, [false, true])
    func waitClosedWaitsForAConnectionWhoseFactoryClosedTheServer(kind: LoopKind, fails: Bool) async throws {
        try await kind.withLoop { loop in
            loop.setExceptionHandler { _, _ in }
            var server: Server?
            let accepted = RecordingProtocol()
            var isOver = false
            server = try loop.serve {
                server?.close()
                if fails { throw TestError(number: 1) }
                return accepted
            }
            let made = try #require(server)
            let waiting = loop.createTask {
                try await made.waitClosed()
                isOver = true
            }
            let peer = try RawPeer(connectedTo: loop.port(of: made))
            if !fails {
                try loop.turn { accepted.events == [.made] }
                try loop.settle()
                #expect(!isOver)
                accepted.transport?.close()
            }
            try loop.runUntilComplete(waiting)
            #expect(isOver && accepted.lostCount == (fails ? 0 : 1))
            loop.setExceptionHandler(nil)
            peer.close()
            server = nil
        }
    }

    @Test func aClosingLoopEndsItsChildrenTogether() async throws {
        for kind in LoopKind.allCases {
            try await kind.withLoop { loop in
                let children = try (0..<20).map { _ in try loop.startShell("exec sleep 3600").child.pid }
                try loop.close()
                for child in children {
                    waitUntilReaped(child)
                    expectGone(child)
                }
            }
        }
    }
}
