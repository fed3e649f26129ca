import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Proactor

/// Real-time signals, one for each test and loop: no other test is told of them.
@Suite struct SignalledServerTests {
    private static func signal(_ number: Int, _ kind: LoopKind) throws -> Signal {
        let index = try #require(LoopKind.allCases.firstIndex(of: kind))
        return Signal(rawValue: 44 + Int32(number * LoopKind.allCases.count + index))
    }

    private func send(_ signal: Signal) {
        unblockSignal(signal.rawValue)
        pthread_kill(pthread_self(), signal.rawValue)
    }

    @Test(arguments: LoopKind.allCases)
    func aServerStopsGracefullyAtASignal(kind: LoopKind) async throws {
        let signal = try Self.signal(0, kind)
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            var told = 0
            try loop.addSignalHandler(signal) { told += 1 }
            var accepted: [RecordingProtocol] = []
            let server = try loop.serve(startServing: false) {
                let recorder = RecordingProtocol()
                let isFirst = accepted.isEmpty
                recorder.onShutdownRequested = { isFirst ? .close : .whenDone }
                accepted.append(recorder)
                return recorder
            }
            let task = loop.createTask { try await server.serve(until: [signal], grace: .seconds(2)) }
            try loop.turn(until: { server.isServing })
            let peers = try (0..<2).map { _ in try RawPeer(connectedTo: server.port) }
            try loop.turn(until: { accepted.count == 2 })
            send(signal)
            try loop.turn(until: { accepted[0].lostCount == 1 })
            // The next one ends the program, by the kernel.
            #expect(signalDisposition(signal.rawValue) == .default)
            #expect(!server.isServing && !task.done && accepted[1].lostCount == 0)
            backend.advanceClock(by: .seconds(2))
            try loop.turn(until: { task.done })
            #expect(try task.result() == ShutdownSummary(drained: 1, aborted: 1))
            // The handler that was there before is there again.
            #expect(told == 0)
            send(signal)
            try loop.turn(until: { told == 1 })
            send(signal)
            try loop.turn(until: { told == 2 })
            try loop.removeSignalHandler(signal)
            #expect(signalDisposition(signal.rawValue) == .default)
            for peer in peers { peer.close() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCloseAndACancelStopItAsGracefully(kind: LoopKind) async throws {
        let signal = try Self.signal(1, kind)
        for cancels in [false, true] {
            try await kind.withFaultyLoop { loop, backend in
                backend.stopClock()
                let accepted = RecordingProtocol()
                accepted.onShutdownRequested = { .whenDone }
                let server = try loop.serve(startServing: false) { accepted }
                let task = loop.createTask { try await server.serve(until: [signal], grace: .seconds(5)) }
                try loop.turn(until: { server.isServing })
                let peer = try RawPeer(connectedTo: server.port)
                try loop.turn(until: { accepted.events == [.made] })
                if cancels { task.cancel() } else { server.close() }
                try loop.turn(until: { accepted.shutdownRequests == 1 })
                try loop.settle()
                #expect(!task.done && accepted.lostCount == 0)
                backend.advanceClock(by: .seconds(5))
                try loop.turn(until: { task.done })
                #expect(accepted.lostCount == 1)
                if cancels {
                    #expect(throws: CancellationError.self) { try task.result() }
                } else {
                    #expect(try task.result() == ShutdownSummary(aborted: 1))
                }
                #expect(signalDisposition(signal.rawValue) == .default)
                peer.close()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatCannotBeServedTakesNoSignal(kind: LoopKind) async throws {
        let signal = try Self.signal(2, kind)
        try await kind.withLoop { loop in
            let server = try loop.serve(startServing: false) { RecordingProtocol() }
            #expect(throws: SignalError.uncatchable(.kill)) {
                try loop.run { try await server.serve(until: [signal, .kill], grace: .zero) }
            }
            #expect(signalDisposition(signal.rawValue) == .default)
            let cancelled = loop.createTask {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await server.serve(until: [signal], grace: .zero)
            }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(cancelled) }
            #expect(throws: EventLoopError.invalidState("the server is closed")) {
                try loop.run { try await server.serve(until: [signal], grace: .zero) }
            }
            #expect(signalDisposition(signal.rawValue) == .default)
        }
    }

    @Test(.exitTest, arguments: LoopKind.allCases)
    func aSecondSignalEndsTheProgramAmidTheGrace(kind: LoopKind) async {
        await #expect(processExitsWith: .signal(SIGINT)) { [kind] in
            try await onThread {
                try run(options: RunnerOptions(signals: [.interrupt], loopFactory: { try kind.makeLoop() })) {
                    let accepted = RecordingProtocol()
                    accepted.onShutdownRequested = {
                        kill(getpid(), SIGINT)
                        return .whenDone
                    }
                    let loop = try getRunningLoop()
                    let server = try await loop.createServer(host: "127.0.0.1", port: 0) { accepted }
                    let port = try #require(try server.sockets[0].localAddress().port)
                    accepted.onMade = { _ in kill(getpid(), SIGTERM) }
                    let peer = try RawPeer(connectedTo: port)
                    try await server.serve(until: [.terminate, .interrupt], grace: .seconds(3600))
                    peer.close()
                }
            }
        }
    }
}
