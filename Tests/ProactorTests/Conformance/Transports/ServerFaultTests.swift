import SystemPackage
import Testing

@testable import Proactor

/// What goes wrong in one place must cost a server nothing else.
@Suite struct ServerFaultTests {
    // Pitfall 40
    @Test(arguments: LoopKind.allCases)
    func aFactoryThatThrowsCostsItsConnectionOnly(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var reported: [ExceptionContext] = []
            loop.setExceptionHandler { _, context in reported.append(context) }
            var calls = 0
            let accepted = RecordingProtocol()
            let server = try loop.serve {
                calls += 1
                if calls.isMultiple(of: 2) { return accepted }
                throw TestError(number: calls)
            }
            let first = try RawPeer(connectedTo: loop.port(of: server))
            try loop.turn {
                first.read()
                return first.isOver
            }
            #expect(reported.count == 1)
            #expect(reported.first?.error as? TestError == TestError(number: 1))
            #expect(reported.first?.server === server)
            reported = []
            let second = try RawPeer(connectedTo: loop.port(of: server))
            try loop.turn { accepted.events == [.made] }
            loop.setExceptionHandler(nil)
            second.close()
            server.close()
            try loop.run { try await server.waitClosed() }
        }
    }

    // Pitfall 41
    @Test(arguments: LoopKind.allCases)
    func closingAServerLeavesOthersAccepting(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // Closed within an accept's completion, with another connection waiting.
            var count = 0
            var first: Server?
            first = try loop.serve {
                count += 1
                first?.close()
                return RecordingProtocol()
            }
            let second = try loop.serve {
                count += 10
                return RecordingProtocol()
            }
            let firstPort = try loop.port(of: try #require(first))
            let peers = [
                try RawPeer(connectedTo: firstPort), try RawPeer(connectedTo: firstPort),
                try RawPeer(connectedTo: loop.port(of: second)),
            ]
            try loop.turn { count == 11 }
            try loop.settle()
            #expect(count == 11)
            // What was accepted too late is closed, not leaked.
            try loop.turn {
                peers[1].read()
                return peers[1].isOver
            }
            let another = try RawPeer(connectedTo: loop.port(of: second))
            try loop.turn { count == 21 }
            for peer in peers { peer.close() }
            another.close()
            first = nil
            second.close()
            try loop.run { try await second.waitClosed() }
        }
    }

    // As the kernel has it: such a connection is accepted, and its first receive says what became of it.
    @Test(arguments: LoopKind.allCases)
    func aConnectionThatWasResetBeforeItsAcceptIsMadeAndLost(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var accepted: [RecordingProtocol] = []
            let server = try loop.serve {
                accepted.append(RecordingProtocol())
                return accepted[accepted.count - 1]
            }
            let port = try loop.port(of: server)
            let peers = try (0..<4).map { _ in try RawPeer(connectedTo: port) }
            peers[1].reset()
            peers[2].write("last words")
            peers[2].reset()
            peers[3].write("hello")
            try loop.turn { accepted.count == 4 && accepted[3].text == "hello" }
            try loop.turn { accepted[1].lostCount == 1 && accepted[2].lostCount == 1 }
            for number in [1, 2] {
                #expect((accepted[number].lostError as? SocketError)?.errno == .connectionReset)
                #expect(accepted[number].eofCount == 0)
            }
            #expect(accepted[1].events == [.made, .lost])
            #expect(accepted[2].text == "last words")
            #expect(accepted[0].lostCount == 0 && accepted[3].lostCount == 0)
            for peer in peers { peer.close() }
            server.close()
            try loop.run { try await server.waitClosed() }
        }
    }

    // Behaviour 22
    // Pitfall 39
    // Pitfall 26
    @Test(arguments: LoopKind.allCases, [Errno.tooManyOpenFiles, .tooManyOpenFilesInSystem])
    func usedUpDescriptorsAreReportedOnceAndTheListenerRests(kind: LoopKind, errno: Errno) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            var reported: [ExceptionContext] = []
            loop.setExceptionHandler { _, context in reported.append(context) }
            backend.acceptFailures = [errno, errno]
            var count = 0
            let server = try loop.serve {
                count += 1
                return RecordingProtocol()
            }
            try loop.turn { !reported.isEmpty }
            let peer = try RawPeer(connectedTo: loop.port(of: server))
            backend.advanceClock(by: .milliseconds(900))
            try loop.settle()
            #expect(reported.count == 1 && backend.acceptCount == 1)
            let error = try #require(reported.first?.error as? SocketError)
            #expect(error.errno == errno && error.operation == .accept)
            let port = try loop.port(of: server)
            #expect(error.address?.port == port)
            #expect(reported.first?.server === server)
            #expect(server.isServing)
            // It still fails a second later: nothing new to report, and it rests again.
            backend.advanceClock(by: .milliseconds(100))
            try loop.turn { backend.acceptCount == 2 }
            try loop.settle()
            #expect(reported.count == 1 && backend.acceptCount == 2)
            backend.advanceClock(by: .seconds(1))
            try loop.turn { count == 1 }
            #expect(reported.count == 1 && backend.acceptCount == 3)
            reported = []
            loop.setExceptionHandler(nil)
            peer.close()
            server.close()
            try loop.run { try await server.waitClosed() }
        }
    }

    // Behaviour 22
    @Test(arguments: LoopKind.allCases)
    func aRestingListenerCanBeClosed(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            for closesInHandler in [false, true] {
                var reports = 0
                backend.acceptFailures = [.tooManyOpenFiles]
                var server: Server?
                loop.setExceptionHandler { _, _ in
                    reports += 1
                    if closesInHandler { server?.close() }
                }
                server = try loop.serve { RecordingProtocol() }
                let port = try loop.port(of: try #require(server))
                let accepts = backend.acceptCount
                try loop.turn { reports == 1 }
                server?.close()
                backend.advanceClock(by: .seconds(2))
                try loop.settle()
                #expect(backend.acceptCount == accepts)
                #expect(try RawPeer.refuses(port: port))
                loop.setExceptionHandler(nil)
                server = nil
            }
        }
    }
}
