import Testing

@testable import Proactor

/// What either side may do to a connection, one after the other: whatever the order, the protocol hears of one end, and nothing is left.
@Suite struct TLSOrderTests {
    enum Event: CaseIterable {
        case write, writeMuch, close, closeAtOnce, abort, pause, resume, handOver
        case data, question, closeNotify, cut, reset, garbage

        func happen(to transport: TLSTransport, _ peer: ScriptedPeer, _ successor: RecordingProtocol) {
            let isPeers = peer.raw.descriptor >= 0
            switch self {
            case .write: transport.write("some")
            case .writeMuch: transport.write(TLSOrderTests.much)
            case .close: transport.close()
            case .closeAtOnce: transport.close(timeout: .zero)
            case .abort: transport.abort()
            case .pause: transport.pauseReading()
            case .resume: transport.resumeReading()
            case .handOver: transport.setProtocol(successor)
            case .data where isPeers && peer.engine.closeNotifies == 0: peer.write("more")
            case .question where isPeers:
                peer.raw.write(ScriptedRecord.make(ScriptedRecord.question, [], key: peer.engine.context.key))
            case .closeNotify where isPeers && peer.engine.closeNotifies == 0: peer.closeNotify()
            case .cut where isPeers: peer.raw.finish()
            case .reset where isPeers: peer.raw.reset()
            case .garbage where isPeers: peer.raw.write([99, 3, 3, 0, 1, 0])
            case .data, .question, .closeNotify, .cut, .reset, .garbage: break
            }
        }
    }

    private static let much = patternBytes(100_000)
    private let context = ScriptedTLS()

    private static func run(_ events: [Event], _ loop: BaseEventLoop, _ context: ScriptedTLS) throws {
        let (recorder, successor) = (RecordingProtocol(), RecordingProtocol())
        let keepsWriting = events.count % 2 == 0
        for one in [recorder, successor] { one.onEOF = { _ in keepsWriting } }
        let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context), over: .tcp)
        for event in events {
            event.happen(to: transport, peer, successor)
            try loop.turn()
        }
        try loop.settle(turns: 4)
        // Those who wait for each other's end get it.
        if peer.raw.descriptor >= 0 { peer.step() }
        transport.resumeReading()
        transport.close()
        try loop.turn {
            if peer.raw.descriptor >= 0 {
                peer.step()
                if peer.engine.closeNotifies == 0, peer.isOpen { peer.closeNotify() }
                if peer.failure != nil { peer.raw.close() }
            }
            return transport.phase == .ended
        }
        let recorders = [recorder, successor]
        #expect(recorders.reduce(0) { $0 + $1.lostCount } == 1, "\(events)")
        #expect(recorders.reduce(0) { $0 + $1.eofCount } <= 1, "\(events)")
        for one in recorders where one.lostCount > 0 { #expect(one.events.last == .lost, "\(events)") }
        #expect(
            recorder.pauseCount + successor.pauseCount <= recorder.resumeCount + successor.resumeCount + 1
        )
        // A plain cause leaves no error.
        let clean: Set<Event> = [
            .write, .writeMuch, .close, .abort, .pause, .resume, .handOver, .data, .question, .closeNotify,
        ]
        if clean.isSuperset(of: events) { #expect(recorders.allSatisfy { $0.lostError == nil }, "\(events)") }
        peer.raw.close()
        try loop.turn { loop.openTransports.count == 0 && loop.timers.count == 0 }
    }

    @Test(arguments: LoopKind.allCases)
    func anyTwoEndWell(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            loop.setExceptionHandler { _, context in Issue.record("\(context)") }
            for first in Event.allCases {
                for second in Event.allCases { try Self.run([first, second], loop, context) }
            }
        }
        #expect(context.life.alive == 0)
    }

    @Test(arguments: LoopKind.allCases)
    func anyThreeEndWell(kind: LoopKind) async throws {
        let context = context
        let some: [Event] = [.writeMuch, .close, .pause, .closeNotify, .cut]
        try await kind.withLoop { loop in
            loop.setExceptionHandler { _, context in Issue.record("\(context)") }
            for first in some {
                for second in some {
                    for third in some where third != first {
                        try Self.run([first, second, third], loop, context)
                    }
                }
            }
        }
        #expect(context.life.alive == 0)
    }

    /// What a protocol does in one of its calls.
    @Test(arguments: LoopKind.allCases)
    func aProtocolMayEndItInAnyCall(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            loop.setExceptionHandler { _, context in
                if !(context.error is TestError) { Issue.record("\(context)") }
            }
            let deeds: [(String, (any Transport) throws -> Void)] = [
                ("close", { $0.close() }), ("abort", { $0.abort() }), ("throw", { _ in throw TestError() }),
                (
                    "write and close",
                    { transport in
                        transport.write("last words")
                        transport.close()
                    }
                ),
            ]
            for call in ["made", "data", "eof", "paused", "resumed"] {
                for (name, deed) in deeds where name != "throw" || call != "paused" && call != "resumed" {
                    let recorder = RecordingProtocol()
                    recorder.onEOF = { _ in true }
                    switch call {
                    case "made": recorder.onMade = deed
                    case "data": recorder.onData = { transport, _ in try deed(transport) }
                    case "eof":
                        recorder.onEOF = { transport in
                            try deed(transport)
                            return true
                        }
                    case "paused": recorder.onPauseWriting = { try? deed($0) }
                    default: recorder.onResumeWriting = { try? deed($0) }
                    }
                    let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context))
                    for _ in 0..<9 { transport.write(Self.much) }
                    peer.write("x")
                    peer.closeNotify()
                    try loop.turn {
                        peer.step()
                        if call == "made" || peer.sawCloseNotify || peer.raw.isOver { transport.close() }
                        let isThrough =
                            peer.received.count >= 900_000 && (call != "resumed" || recorder.resumeCount > 0)
                        return recorder.lostCount == 1 || isThrough
                    }
                    transport.close()
                    try loop.turn { recorder.lostCount == 1 }
                    try loop.turn {
                        peer.step()
                        return peer.raw.isOver
                    }
                    #expect(
                        name != "write and close"
                            || peer.received.suffix(10).elementsEqual("last words".utf8),
                        "\(call)"
                    )
                    try loop.finish(transport, peer)
                }
            }
        }
        #expect(context.life.alive == 0)
    }

    @Test(arguments: LoopKind.allCases)
    func aHandshakeMayEndInAnyOrder(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            for side in [TLSSide.client, .server] {
                for ending in ["cut", "reset", "close", "cancel", "garbage"] {
                    for steps in 0..<4 {
                        let recorder = RecordingProtocol()
                        let (task, peer) = try loop.beginTLS(recorder, TLSOptions(context), side, over: .tcp)
                        for _ in 0..<steps {
                            try loop.turn()
                            peer.step()
                        }
                        switch ending {
                        case "cut": peer.raw.finish()
                        case "reset": peer.raw.reset()
                        case "close": peer.raw.close()
                        case "cancel": task.cancel()
                        default: peer.raw.write([99, 3, 3, 0, 1, 0])
                        }
                        try loop.turn { task.done }
                        if let transport = try? task.result() { transport.abort() }
                        try loop.turn { loop.openTransports.count == 0 }
                        // Told of its end who was told of its beginning.
                        #expect(recorder.lostCount == recorder.events.count { $0 == .made })
                        peer.raw.close()
                    }
                }
            }
            #expect(loop.timers.count == 0)
        }
        #expect(context.life.alive == 0)
    }

    @Test(arguments: LoopKind.allCases)
    func unixServersTakeTLSToo(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let path = folder.path("tls")
            let server = try loop.run {
                try await loop.createUnixServer(path: path, tls: context) { RecordingProtocol.echo() }
            }
            let client = RecordingProtocol()
            let (transport, _) = try loop.run {
                try await loop.createUnixConnection(path: path, tls: context, serverName: "there") { client }
            }
            transport.write("hello")
            try loop.turn { client.text == "hello" }
            server.close()
            server.closeClients()
            try loop.turn { client.lostCount == 1 && server.isDrained }
            #expect(client.lostError == nil && client.eofCount == 1)
            #expect(context.serverNames.contains("there"))
        }
    }
}
