import Testing

@testable import Proactor

@Suite struct CancelledServingTests {
    // Behaviour 17
    @Test(arguments: LoopKind.allCases)
    func aCancelledServeForeverClosesItsConnectionsAndWaitsForThem(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var accepted: [RecordingProtocol] = []
            let server = try loop.serve(startServing: false) {
                let recorder = RecordingProtocol()
                recorder.onMade = { $0.write(patternBytes(5 << 20)) }
                accepted.append(recorder)
                return recorder
            }
            let task = loop.createTask { try await server.serveForever() }
            try loop.turn(until: { server.isServing })
            let peer = try RawPeer(connectedTo: server.port)
            try loop.turn(until: { accepted.count == 1 })
            task.cancel()
            try loop.turn(until: { !server.isServing })
            try loop.settle()
            // What was written is still on its way.
            #expect(!task.done && accepted[0].lostCount == 0)
            try loop.turn(until: {
                peer.read()
                return task.done
            })
            #expect(accepted[0].lostCount == 1)
            #expect(throws: CancellationError.self) { try task.result() }
            peer.waitUntilOver()
            #expect(peer.received == patternBytes(5 << 20))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aClosedServersServeForeverReturnsWithItsLastConnection(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let accepted = RecordingProtocol.echo()
            let server = try loop.serve(startServing: false) { accepted }
            let task = loop.createTask { try await server.serveForever() }
            try loop.turn(until: { server.isServing })
            let peer = try RawPeer(connectedTo: server.port)
            try loop.turn(until: { accepted.events == [.made] })
            try loop.callSoon { server.close() }
            try loop.turn(until: { !server.isServing })
            try loop.settle()
            #expect(!task.done)
            peer.close()
            try loop.turn(until: { task.done })
            #expect(throws: Never.self) { try task.result() }
            #expect(throws: EventLoopError.invalidState("the server is closed")) {
                try loop.run { try await server.serveForever() }
            }
        }
    }

    /// Whichever comes first.
    @Test(arguments: LoopKind.everywhere, [false, true])
    func aCloseAndACancelInOneTurnAreACancel(kind: LoopKind, cancelsFirst: Bool) async throws {
        try await kind.withLoop { loop in
            let server = try loop.serve(startServing: false) { RecordingProtocol() }
            let task = loop.createTask { try await server.serveForever() }
            try loop.turn(until: { server.isServing })
            if cancelsFirst { task.cancel() }
            server.close()
            if !cancelsFirst { task.cancel() }
            try loop.turn(until: { task.done })
            #expect(throws: CancellationError.self) { try task.result() }
        }
    }

    // Behaviour 17
    @Test(arguments: LoopKind.allCases)
    func aServerThatIsClosedWhileItServesLeavesItsConnectionsTime(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let accepted = RecordingProtocol.echo()
            let server = try loop.serve(startServing: false) { accepted }
            let task = loop.createTask { try await server.serveForever() }
            try loop.turn(until: { server.isServing })
            let peer = try RawPeer(connectedTo: server.port)
            try loop.turn(until: { accepted.events == [.made] })
            server.close()
            peer.write("still served")
            try loop.turn(until: {
                peer.read()
                return peer.text == "still served"
            })
            #expect(!task.done)
            task.cancel()
            try loop.turn(until: { task.done })
            #expect(accepted.lostCount == 1)
            peer.close()
        }
    }
}
