import SystemPackage
import Testing

@testable import Proactor

/// What a transport is to `startTLS`: one of the library's own, or somebody else's.
enum UpgradedKind: CaseIterable, Sendable {
    case own, foreign
}

@Suite struct StartTLSTests {
    private let context = ScriptedTLS()

    // Behaviour 37
    @Test(
        arguments: LoopKind.allCases,
        [(TLSSide.client, UpgradedKind.own), (.server, .own), (.client, .foreign), (.server, .foreign)]
    )
    func aPlainConnectionGoesOnEncrypted(kind: LoopKind, upgrade: (TLSSide, UpgradedKind)) async throws {
        let context = context
        let (side, upgraded) = upgrade
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (plain, raw) = try loop.connect(recorder)
            let below = upgraded == .own ? plain : WrappedTransport(plain)
            plain.write("plain")
            let task = loop.createTask {
                try await loop.startTLS(below, recorder, context, serverSide: side == .server)
            }
            try loop.turn {
                raw.read()
                return raw.received.count >= 5
            }
            #expect(raw.received.starts(with: "plain".utf8))
            let peer = try ScriptedPeer(raw, context, side == .server ? .client : .server, plainCount: 5)
            try loop.turn {
                peer.step()
                return task.done && peer.isOpen
            }
            let transport = try task.result()
            #expect(transport !== plain && transport.getProtocol() === recorder)
            // It has had its connectionMade.
            #expect(recorder.events.count { $0 == .made } == 1)
            let bytes = patternBytes(1 << 20)
            transport.write(bytes)
            peer.write("encrypted")
            try loop.turn {
                peer.step()
                return peer.received.count == bytes.count && recorder.text == "encrypted"
            }
            #expect(peer.received == bytes)
            // Below, the hold of one is the hold of the other.
            transport.pauseReading()
            peer.write("held")
            try loop.settle()
            #expect(recorder.text == "encrypted")
            transport.resumeReading()
            try loop.turn { recorder.text == "encryptedheld" }
            transport.close()
            try loop.turn {
                peer.step()
                return peer.sawCloseNotify
            }
            peer.closeNotify()
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostError == nil)
            try loop.finish(plain, raw)
        }
    }

    // Behaviour 37
    // Pitfall 46
    @Test(arguments: LoopKind.allCases, UpgradedKind.allCases)
    func aFailedUpgradeEndsTheConnection(kind: LoopKind, upgraded: UpgradedKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            for way in ["end", "garbage", "timeout", "cancel", "closed"] {
                let recorder = RecordingProtocol()
                let (plain, raw) = try loop.connect(recorder)
                let below = upgraded == .own ? plain : WrappedTransport(plain)
                let timeout: Duration = way == "timeout" ? .milliseconds(10) : .seconds(60)
                let task = loop.createTask {
                    try await loop.startTLS(
                        below,
                        recorder,
                        context,
                        serverSide: true,
                        handshakeTimeout: timeout
                    )
                }
                try loop.settle(turns: 3)
                switch way {
                case "end": raw.finish()
                case "garbage": raw.write("no TLS at all")
                case "cancel": task.cancel()
                case "closed": (plain as? StreamSocketTransport)?.outermost.close()
                default: break
                }
                try loop.turn { task.done && recorder.lostCount == 1 }
                switch way {
                case "cancel":
                    #expect(throws: CancellationError.self) { try task.result() }
                default:
                    let error = #expect(throws: TLSError.self) { try task.result() }
                    #expect(error?.step == .handshake)
                    #expect(way == "closed" || recorder.lostError is TLSError)
                }
                try loop.finish(plain, raw)
                #expect(recorder.lostCount == 1 && loop.timers.count == 0)
            }
        }
    }

    // Pitfall 52
    @Test(
        arguments: LoopKind.allCases,
        [(UpgradedKind.own, false), (.foreign, false), (.own, true), (.foreign, true)]
    )
    func aPauseFromBeforeEndsOnceAndForWhomItWas(kind: LoopKind, upgrade: (UpgradedKind, Bool)) async throws {
        let context = context
        let (upgraded, handsOver) = upgrade
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let successor = handsOver ? RecordingProtocol() : recorder
            let (plain, raw) = try loop.connect(recorder)
            let below = upgraded == .own ? plain : WrappedTransport(plain)
            let bytes = patternBytes(2 << 20)
            plain.write(bytes)
            #expect(recorder.pauseCount == 1)
            let task = loop.createTask {
                try await loop.startTLS(below, successor, context, serverSide: true)
            }
            try loop.settle()
            #expect(recorder.resumeCount == 0)
            try loop.turn {
                raw.read()
                return raw.received.count == bytes.count
            }
            #expect(raw.received == bytes)
            let peer = try ScriptedPeer(raw, context, .client)
            try loop.turn {
                peer.step()
                return task.done && peer.isOpen
            }
            try loop.settle()
            // The former protocol is out of it, and the new one was never paused.
            #expect(recorder.resumeCount == (handsOver ? 0 : 1) && recorder.pauseCount == 1)
            #expect(!handsOver || successor.resumeCount == 0 && successor.pauseCount == 0)
            let transport = try task.result()
            transport.write(bytes)
            #expect(successor.pauseCount == (handsOver ? 1 : 2))
            try loop.turn {
                peer.step()
                return successor.resumeCount == successor.pauseCount && peer.received.count == bytes.count
            }
            #expect(peer.received == bytes)
            transport.abort()
            try loop.finish(plain, raw)
        }
    }

    // Pitfall 52
    @Test(arguments: LoopKind.allCases, [false, true])
    func aForeignTransportsPauseBetweenItsMarksEndsForWhomItWas(kind: LoopKind, handsOver: Bool) async throws
    {
        let context = context
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let successor = handsOver ? RecordingProtocol() : recorder
            let (plain, raw) = try loop.connect(recorder)
            try plain.setWriteBufferLimits(high: 200_000, low: 50_000)
            // Paused, and by now between the marks: nobody but the transport can tell.
            while recorder.pauseCount == 0 { plain.write(patternBytes(50_000)) }
            try loop.turn {
                raw.read(limit: 10_000)
                return plain.writeBufferSize < 150_000
            }
            try #require(plain.writeBufferSize > 50_000 && recorder.resumeCount == 0)
            let task = loop.createTask {
                try await loop.startTLS(WrappedTransport(plain), successor, context, serverSide: true)
            }
            try loop.settle(turns: 3)
            try loop.turn {
                raw.read()
                return plain.writeBufferSize == 0
            }
            raw.read()
            let peer = try ScriptedPeer(raw, context, .client)
            try loop.turn {
                peer.step()
                return task.done && peer.isOpen
            }
            try loop.settle()
            #expect(recorder.resumeCount == (handsOver ? 0 : 1))
            #expect(!handsOver || successor.resumeCount == 0)
            try task.result().abort()
            try loop.finish(plain, raw)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aServerEndsWhatWasUpgraded(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            recorder.onShutdownRequested = { .close }
            let server = try loop.serve { recorder }
            let raw = try RawPeer(connectedTo: loop.port(of: server))
            let peer = try ScriptedPeer(raw, context, .client)
            try loop.turn { recorder.transport != nil }
            let plain = try #require(recorder.transport)
            let task = loop.createTask { try await loop.startTLS(plain, recorder, context, serverSide: true) }
            try loop.turn {
                peer.step()
                return task.done && peer.isOpen
            }
            let stop = loop.createTask { await server.shutdownGracefully(timeout: .seconds(60)) }
            try loop.turn {
                peer.step()
                return peer.sawCloseNotify
            }
            #expect(!stop.done)
            peer.closeNotify()
            try loop.turn { stop.done }
            #expect(try stop.result().drained == 1 && recorder.lostErrors.count == 1)
            raw.close()
        }
    }

    /// One that delivers within the call that writes, and is lost within the call that ends it.
    @Test(arguments: LoopKind.everywhere, ["close", "abort", "abort amid a write", "garbage"])
    func aTransportOfTheProgramsMayCallBackAtOnce(kind: LoopKind, end: String) async throws {
        let context = context
        try await kind.withLoop { loop in
            let (client, server) = (RecordingProtocol(), RecordingProtocol.echo())
            let (left, right) = MemoryTransport.pair(client, server)
            // The client speaks first, and the server's protocol is not to be asked.
            right.pauseReading()
            let tasks = [
                loop.createTask { try await loop.startTLS(left, client, context, serverName: "x") },
                loop.createTask { try await loop.startTLS(right, server, context, serverSide: true) },
            ]
            try loop.turn { tasks.allSatisfy { $0.done } }
            let (near, far) = (try tasks[0].result(), try tasks[1].result())
            for one in [(near, client), (far, server)] { try one.1.connectionMade(one.0) }
            for size in [1, 1000, 20_000, 300_000] {
                let before = client.received.count
                near.write(patternBytes(size))
                try loop.turn { client.received.count == before + size }
                #expect(client.received.suffix(size) == patternBytes(size)[...])
            }
            switch end {
            case "close": near.close()
            case "abort": near.abort()
            case "abort amid a write":
                // The other end goes while the record that it is given is being sealed.
                server.onData = { transport, _ in transport.abort() }
                near.write(patternBytes(200_000))
            default: right.write(Array("no record at all".utf8))
            }
            try loop.turn { client.lostCount == 1 && server.lostCount == 1 }
            #expect(end != "close" || client.lostError == nil && server.lostError == nil)
            near.write("too late")
            try loop.settle(turns: 3)
            #expect(loop.timers.count == 0)
        }
        #expect(context.life.alive == 0)
    }

    // Pitfall 53
    @Test(arguments: LoopKind.allCases, UpgradedKind.allCases)
    func whatCameWhileReadingWasPausedIsTheBeginning(kind: LoopKind, upgraded: UpgradedKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            recorder.onData = { transport, _ in transport.pauseReading() }
            let (plain, raw) = try loop.connect(recorder)
            let below = upgraded == .own ? plain : WrappedTransport(plain)
            let peer = try ScriptedPeer(raw, context, .client)
            raw.write("STARTTLS\n")
            try loop.turn { recorder.text == "STARTTLS\n" }
            // The client does not wait for the answer.
            peer.step()
            try loop.settle()
            #expect(recorder.text == "STARTTLS\n")
            let transport = try {
                let task = loop.createTask {
                    try await loop.startTLS(below, recorder, context, serverSide: true)
                }
                try loop.turn {
                    peer.step()
                    return task.done && peer.isOpen
                }
                return try task.result()
            }()
            // Reading goes on, paused before or not.
            #expect(transport.isReading)
            transport.abort()
            try loop.finish(plain, raw)
        }
    }

    // Behaviour 37
    @Test(arguments: LoopKind.allCases)
    func tlsGoesWithinTLS(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            let (client, server) = (RecordingProtocol(), RecordingProtocol())
            let outer = try loop.connectBoth(client, server, context)
            let inner = ScriptedTLS(key: 0x33)
            let upgrades = [
                loop.createTask { try await loop.startTLS(outer.client, client, inner, serverName: "y") },
                loop.createTask { try await loop.startTLS(outer.server, server, inner, serverSide: true) },
            ]
            try loop.turn { upgrades.allSatisfy { $0.done } }
            let (innerClient, innerServer) = (try upgrades[0].result(), try upgrades[1].result())
            #expect(client.events.count { $0 == .made } == 1)
            #expect(innerClient.extraInfo(.tlsContext) === inner)
            // What the outer one has agreed on says nothing of the inner one.
            #expect(innerClient.extraInfo(.applicationProtocol) == nil)
            #expect(innerClient.extraInfo(.peerName) != nil)
            // One has TLS above it by now, and the other is not another loop's.
            #expect(throws: EventLoopError.self) {
                try loop.run { _ = try await loop.startTLS(outer.client, client, inner, serverName: "z") }
            }
            let bytes = patternBytes(3 << 20)
            innerClient.write(bytes)
            innerServer.write("short")
            try loop.turn { server.received.count == bytes.count && client.text == "short" }
            #expect(server.received == bytes)
            try loop.turn { client.pauseCount == client.resumeCount && innerClient.writeBufferSize == 0 }
            innerServer.pauseReading()
            innerClient.write("held")
            try loop.settle()
            #expect(server.received.count == bytes.count)
            innerServer.resumeReading()
            try loop.turn { server.received.count == bytes.count + 4 }
            innerClient.close()
            try loop.turn { client.lostCount == 1 && server.lostCount == 1 }
            #expect(client.lostError == nil && server.lostError == nil && server.eofCount == 1)
            try loop.turn { loop.openTransports.count == 0 }
        }
        #expect(context.life.alive == 0)
    }

    @Test(arguments: LoopKind.allCases)
    func whatCannotBeUpgradedIsRefused(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (plain, raw) = try loop.connect(recorder)
            func refuses() throws {
                let error = #expect(throws: EventLoopError.self) {
                    try loop.run { _ = try await loop.startTLS(plain, recorder, context, serverSide: true) }
                }
                guard case .invalidState = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
            plain.writeEOF()
            try refuses()
            #expect(plain.getProtocol() === recorder)
            plain.close()
            try refuses()
            context.refusal = TLSError(.context, .other)
            let (second, other) = try loop.connect(recorder)
            #expect(throws: TLSError.self) {
                try loop.run { _ = try await loop.startTLS(second, recorder, context, serverSide: true) }
            }
            // It goes on as it was.
            other.write("plain")
            try loop.turn { recorder.text == "plain" }
            context.refusal = nil
            try loop.finish(plain, raw)
            try loop.finish(second, other)
        }
    }
}
