import SystemPackage
import Testing

@testable import Proactor

@Suite struct ServerTests {
    // Behaviour 11
    // Behaviour 16
    // Behaviour 17
    @Test(arguments: LoopKind.allCases)
    func closeStopsAcceptingAndLeavesItsConnectionsAlive(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let accepted = RecordingProtocol.echo()
            let server = try loop.serve { accepted }
            #expect(server.isServing)
            let port = try loop.port(of: server)
            let peer = try RawPeer(connectedTo: port)
            try loop.turn { accepted.events == [.made] }
            server.close()
            server.close()
            #expect(!server.isServing && server.sockets.isEmpty)
            let closed = loop.createTask { try await server.waitClosed() }
            try loop.settle()
            #expect(try RawPeer.refuses(port: port))
            #expect(!closed.done)
            peer.write("alive")
            try loop.turn {
                peer.read()
                return peer.text == "alive"
            }
            peer.finish()
            try loop.turn { closed.done }
            #expect(accepted.events.last == .lost)
            // Once it is closed there is nothing to wait for, and nothing to serve.
            try loop.run { try await server.waitClosed() }
            #expect(throws: EventLoopError.self) { try server.startServing() }
        }
    }

    // Behaviour 17
    @Test(arguments: LoopKind.allCases)
    func waitClosedWaitsWhereverCloseComes(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let accepted = RecordingProtocol()
            let server = try loop.serve { accepted }
            // Not closed yet, and without a connection.
            let before = loop.createTask { try await server.waitClosed() }
            try loop.settle(turns: 3)
            #expect(!before.done)
            let peer = try RawPeer(connectedTo: loop.port(of: server))
            try loop.turn { accepted.events == [.made] }
            let during = loop.createTask { try await server.waitClosed() }
            try loop.callSoon { server.close() }
            let after = loop.createTask { try await server.waitClosed() }
            // The connection goes in the turn in which the server closes.
            try loop.callSoon { accepted.transport?.abort() }
            try loop.turn { before.done && during.done && after.done }
            #expect(accepted.lostCount == 1)
            peer.close()
        }
    }

    // Behaviour 18
    @Test(arguments: LoopKind.allCases, [false, true])
    func closeClientsAndAbortClientsEndThemAll(kind: LoopKind, aborts: Bool) async throws {
        try await kind.withLoop { loop in
            var accepted: [RecordingProtocol] = []
            let server = try loop.serve {
                let recorder = RecordingProtocol()
                recorder.onMade = { $0.write(patternBytes(5 << 20)) }
                accepted.append(recorder)
                return recorder
            }
            var others: [RecordingProtocol] = []
            let otherServer = try loop.serve {
                others.append(RecordingProtocol())
                return others[others.count - 1]
            }
            let peers = try (0..<5).map { _ in try RawPeer(connectedTo: loop.port(of: server)) }
            let otherPeer = try RawPeer(connectedTo: loop.port(of: otherServer))
            try loop.turn { accepted.count == 5 && others.count == 1 }
            if aborts { server.abortClients() } else { server.closeClients() }
            #expect(server.isServing)
            try loop.turn {
                if !aborts { for peer in peers { peer.read() } }
                return accepted.allSatisfy { $0.lostCount == 1 }
            }
            for peer in peers where !aborts {
                try loop.turn {
                    peer.read()
                    return peer.isOver
                }
                #expect(peer.received == patternBytes(5 << 20))
            }
            #expect(accepted.allSatisfy { $0.lostError == nil })
            #expect(others.first?.lostCount == 0)
            server.close()
            otherServer.abortClients()
            otherServer.close()
            try loop.run {
                try await server.waitClosed()
                try await otherServer.waitClosed()
            }
            otherPeer.close()
        }
    }

    // Behaviour 19
    @Test(arguments: LoopKind.allCases)
    func withoutStartServingNothingIsAccepted(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var count = 0
            let server = try loop.serve(startServing: false) {
                count += 1
                return RecordingProtocol()
            }
            let port = try loop.port(of: server)
            #expect(!server.isServing)
            #expect(throws: Errno.connectionRefused) { try RawPeer(connectedTo: port) }
            try server.startServing()
            try server.startServing()
            #expect(server.isServing)
            let peer = try RawPeer(connectedTo: port)
            try loop.turn { count == 1 }
            peer.close()
            try loop.settle()
            server.close()
            // A server that never served can be closed as well.
            let other = try loop.serve(startServing: false) { RecordingProtocol() }
            other.close()
            try loop.run { try await other.waitClosed() }
        }
    }

    // Behaviour 16
    @Test(arguments: LoopKind.everywhere)
    func serveForeverEndsWithItsTaskOrItsServer(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for cancels in [false, true] {
                let server = try loop.serve(startServing: false) { RecordingProtocol() }
                let task = loop.createTask { try await server.serveForever() }
                try loop.turn { server.isServing }
                let second = loop.createTask { try await server.serveForever() }
                try loop.turn { second.done }
                #expect(throws: EventLoopError.self) { try second.result() }
                if cancels { task.cancel() } else { server.close() }
                try loop.turn { task.done }
                if cancels {
                    #expect(throws: CancellationError.self) { try task.result() }
                } else {
                    #expect(throws: Never.self) { try task.result() }
                }
                #expect(!server.isServing && server.sockets.isEmpty)
            }
            let scoped = try loop.serve { RecordingProtocol() }
            let value = try loop.run { try await scoped.withScope { 7 } }
            #expect(value == 7)
            #expect(scoped.sockets.isEmpty)
        }
    }

    // Behaviour 16
    @Test(arguments: LoopKind.allCases)
    func aServerAndItsFactoryAreFreed(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            for isServing in [false, true] {
                weak var freed: Server?
                try {
                    let object = lives.makeObject()
                    let server = try loop.serve(startServing: isServing) {
                        object.touch()
                        return RecordingProtocol(life: lives)
                    }
                    freed = server
                    if isServing {
                        let peer = try RawPeer(connectedTo: loop.port(of: server))
                        try loop.turn { lives.alive == 2 }
                        peer.close()
                    }
                    server.close()
                    try loop.run { try await server.waitClosed() }
                }()
                try loop.settle(turns: 5)
                #expect(lives.alive == 0)
                #expect(freed == nil)
            }
        }
    }

    // Behaviour 16
    // Pitfall 17
    @Test(arguments: LoopKind.allCases)
    func aClosedLoopTakesItsServersAlong(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            weak var freed: Server?
            try {
                let object = lives.makeObject()
                let serving = try loop.serve { RecordingProtocol(life: lives) }
                let ready = try loop.serve(startServing: false) {
                    object.touch()
                    return RecordingProtocol()
                }
                let closing = try loop.serve { RecordingProtocol() }
                freed = serving
                let ports = try [serving, closing].map { try loop.port(of: $0) }
                try loop.settle(turns: 3)
                closing.close()
                let lines = try LogCapture.lines {
                    loop.debug = true
                    try loop.close()
                }
                #expect(lines.count { $0.contains("listener") && $0.contains("still open") } == 3)
                for port in ports {
                    #expect(try RawPeer.refuses(port: port))
                }
                // Too late, and harmless.
                serving.close()
                ready.close()
                closing.close()
            }()
            #expect(freed == nil)
            #expect(lives.alive == 0)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aScopeThrowsItsBodysErrorAlsoWhenItsTaskIsCancelled(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let server = try loop.serve { RecordingProtocol() }
            let peer = try RawPeer(connectedTo: server.port)
            try loop.turn(until: { loop.openTransports.count == 1 })
            #expect(throws: TestError(number: 7)) {
                try loop.run {
                    try await server.withScope {
                        withUnsafeCurrentTask { $0?.cancel() }
                        throw TestError(number: 7)
                    }
                }
            }
            server.abortClients()
            peer.close()
        }
    }
}
