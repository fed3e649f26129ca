import SystemPackage
import Testing

@testable import Proactor

@Suite struct TLSHandshakeTests {
    // Behaviour 37
    @Test(arguments: LoopKind.allCases, [TLSSide.client, .server])
    func bytesGoBothWaysAfterIt(kind: LoopKind, side: TLSSide) async throws {
        try await kind.withLoop { loop in
            for readsAhead in [false, true] {
                let context = ScriptedTLS()
                context.readsAhead = readsAhead
                let recorder = RecordingProtocol()
                recorder.onMade = { $0.write("first ") }
                let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context), side)
                #expect(recorder.events.first == .made)
                transport.write("second")
                peer.write("hello")
                try loop.turn {
                    peer.step()
                    return peer.text == "first second" && recorder.text == "hello"
                }
                #expect(transport.extraInfo(.tlsCipher) == "XOR")
                #expect(transport.extraInfo(.tlsContext) === context)
                #expect(transport.extraInfo(.socket) != nil)
                try loop.finish(transport, peer)
                #expect(recorder.lostErrors.count == 1 && recorder.lostError == nil)
                _ = consume peer
            }
        }
    }

    // Pitfall 45
    @Test(arguments: LoopKind.allCases, [TLSSide.client, .server])
    func aPeerThatLeavesEndsItAtOnce(kind: LoopKind, side: TLSSide) async throws {
        try await kind.withLoop { loop in
            for way in ["closes", "ends its sending", "resets", "speaks no TLS", "says half", "alerts"] {
                let context = ScriptedTLS()
                let recorder = RecordingProtocol()
                let (task, peer) = try loop.beginTLS(
                    recorder,
                    TLSOptions(context),
                    side,
                    over: .tcp
                )
                try loop.settle(turns: 2)
                switch way {
                case "closes":
                    // What it has not read would have its close be a reset.
                    peer.raw.read()
                    peer.raw.close()
                case "ends its sending": peer.raw.finish()
                case "resets": peer.raw.reset()
                case "speaks no TLS": peer.raw.write("HTTP/1.1 400 Bad Request\r\n\r\n")
                case "says half":
                    peer.raw.write([22, 3, 3])
                    peer.raw.finish()
                default: peer.raw.write(ScriptedRecord.make(ScriptedRecord.alert, [42], key: context.key))
                }
                try loop.turn { task.done }
                let error = try #require(try task.exception())
                switch way {
                case "resets": #expect((error as? SocketError)?.errno == .connectionReset)
                case "speaks no TLS": #expect((error as? TLSError)?.reason == .notTLS)
                case "alerts": #expect((error as? TLSError)?.reason == .alert(42))
                default: #expect((error as? TLSError)?.reason == .endOfStream)
                }
                #expect(way == "resets" || (error as? TLSError)?.step == .handshake)
                try loop.turn { loop.openTransports.count == 0 }
                // Nobody was told of a connection, and so nobody of its end.
                #expect(recorder.events.isEmpty)
                peer.raw.close()
            }
        }
    }

    // Pitfall 45
    @Test(arguments: LoopKind.allCases)
    func itsFailureIsAnAlertToThePeer(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let context = ScriptedTLS()
            context.handshakeFailure = TLSError(.handshake, .certificateExpired, side: .client)
            let (task, peer) = try loop.beginTLS(RecordingProtocol(), TLSOptions(context), .client)
            peer.raw.write(ScriptedRecord.make(ScriptedRecord.answer, [], key: context.key))
            try loop.turn {
                peer.raw.read()
                return task.done && peer.raw.sawEnd
            }
            #expect((try task.exception() as? TLSError)?.reason == .certificateExpired)
            let alert = ScriptedRecord.make(ScriptedRecord.alert, [42], key: context.key)
            #expect(peer.raw.received.suffix(alert.count) == alert)
        }
    }

    // Behaviour 37
    // Pitfall 46
    @Test(arguments: LoopKind.allCases, [TLSSide.client, .server])
    func itHasATime(kind: LoopKind, side: TLSSide) async throws {
        try await kind.withLoop { loop in
            let context = ScriptedTLS()
            var options = TLSOptions(context)
            options.handshakeTimeout = .milliseconds(20)
            let (task, peer) = try loop.beginTLS(RecordingProtocol(), options, side)
            try loop.turn { task.done }
            #expect((try task.exception() as? TLSError)?.reason == .timedOut(.milliseconds(20)))
            try loop.turn {
                peer.raw.read()
                return peer.raw.sawEnd && loop.openTransports.count == 0
            }
        }
    }

    // Pitfall 62
    @Test(arguments: LoopKind.allCases, [TLSSide.client, .server])
    func aCancelEndsIt(kind: LoopKind, side: TLSSide) async throws {
        try await kind.withLoop { loop in
            for turns in 0..<4 {
                let context = ScriptedTLS()
                let recorder = RecordingProtocol()
                let (task, peer) = try loop.beginTLS(recorder, TLSOptions(context), side)
                try loop.settle(turns: turns)
                task.cancel()
                try loop.turn { task.done }
                #expect(throws: CancellationError.self) { try task.result() }
                try loop.turn { loop.openTransports.count == 0 }
                #expect(recorder.events.isEmpty)
                peer.raw.close()
            }
        }
    }

    // Pitfall 57
    // Pitfall 62
    @Test(arguments: LoopKind.allCases)
    func aLoopThatClosesLeavesNothingOfIt(kind: LoopKind) async throws {
        let context = ScriptedTLS()
        try await kind.withLoop(abandonsTasks: true) { loop in
            var peers: [ScriptedPeer] = []
            for side in [TLSSide.client, .server] {
                peers.append(try loop.beginTLS(RecordingProtocol(), TLSOptions(context), side).peer)
                let (transport, peer) = try loop.connectTLS(RecordingProtocol(), TLSOptions(context), side)
                transport.write(patternBytes(5 << 20))
                peers.append(peer)
                try loop.settle(turns: 3)
            }
            // The peers' own are besides.
            #expect(context.life.alive == 8)
            try loop.close()
        }
        #expect(context.life.alive == 0)
    }

    // Pitfall 57
    @Test(arguments: LoopKind.allCases)
    func manyAbortedOnesLeaveNothing(kind: LoopKind) async throws {
        let context = ScriptedTLS()
        let life = LifeCounter()
        try await kind.withLoop { loop in
            var options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
            options.tls = TLSOptions(context)
            let server = try loop.serve(options) { RecordingProtocol(life: life) }
            let port = try loop.port(of: server)
            for index in 0..<60 {
                let peer = try RawPeer(connectedTo: port)
                let hello = ScriptedRecord.make(ScriptedRecord.hello, [1, 2, 3], key: context.key)
                peer.write(hello.prefix(index % (hello.count + 1)))
                try loop.settle(turns: 2)
                if index % 3 == 0 { peer.reset() } else { peer.close() }
            }
            try loop.turn { loop.openTransports.count == 0 && life.alive == 0 }
            server.close()
            #expect(context.life.alive == 0)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatMakesNoSenseIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let context = ScriptedTLS()
            func isInvalid(_ body: @escaping () async throws -> Void) throws {
                let error = #expect(throws: EventLoopError.self) { try loop.run { try await body() } }
                guard case .invalidArgument = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
            let pair = try SocketPair(.unix)
            let peers = [RawPeer(pair.first), RawPeer(pair.second)]
            try isInvalid {
                _ = try await loop.createConnection(socket: pair.first, tls: context) { RecordingProtocol() }
            }
            try isInvalid {
                _ = try await loop.createUnixConnection(path: "/nowhere", tls: context) {
                    RecordingProtocol()
                }
            }
            try isInvalid {
                _ = try await loop.createConnection(host: "h", port: 1, serverName: "x") {
                    RecordingProtocol()
                }
            }
            try isInvalid {
                _ = try await loop.createServer(port: 0, tlsHandshakeTimeout: .seconds(1)) {
                    RecordingProtocol()
                }
            }
            try isInvalid {
                _ = try await loop.createServer(port: 0, tls: context, tlsShutdownTimeout: .zero) {
                    RecordingProtocol()
                }
            }
            try isInvalid {
                _ = try await loop.connectAcceptedSocket(pair.first, tlsShutdownTimeout: .seconds(1)) {
                    RecordingProtocol()
                }
            }
            var options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
            options.tls = TLSOptions(context, serverName: "x")
            let refused = options
            try isInvalid { _ = try await loop.createServer(refused) { RecordingProtocol() } }
            context.refusal = TLSError(.context, .invalidSetting("a context for clients"))
            #expect(throws: TLSError.self) {
                try loop.run {
                    _ = try await loop.createServer(port: 0, tls: context) { RecordingProtocol() }
                }
            }
            // The sockets are the caller's still.
            peers[0].write("x")
            peers[1].read()
            #expect(peers[1].text == "x")
        }
    }
}
