import Testing

@testable import Proactor

@Suite struct TLSReceivingTests {
    private let context = ScriptedTLS()

    @Test(arguments: LoopKind.allCases)
    func recordsMayBeCutAnywhere(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context))
            peer.write("one ", sends: false)
            peer.write("two ", sends: false)
            let records = peer.takeOutgoing()
            for cut in 0...records.count {
                peer.raw.write(records[..<cut])
                try loop.settle(turns: 2)
                peer.raw.write(records[cut...])
                let expected = String(repeating: "one two ", count: cut + 1)
                try loop.turn { recorder.text == expected }
            }
            try loop.finish(transport, peer)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aHandshakeMayComeByteByByte(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            for side in [TLSSide.client, .server] {
                let recorder = RecordingProtocol()
                let (task, peer) = try loop.beginTLS(recorder, TLSOptions(context), side)
                let script =
                    side == .client
                    ? ScriptedRecord.make(ScriptedRecord.answer, [1, 2], key: context.key)
                    : ScriptedRecord.make(ScriptedRecord.hello, [1], key: context.key)
                        + ScriptedRecord.make(ScriptedRecord.finished, [], key: context.key)
                // Application data comes right behind it.
                for byte in script
                    + ScriptedRecord.make(ScriptedRecord.data, Array("early".utf8), key: context.key)
                {
                    peer.raw.write([byte])
                    try loop.turn()
                }
                try loop.turn { task.done && recorder.text == "early" }
                #expect(recorder.events.first == .made)
                let transport = try #require(try task.result() as? TLSTransport)
                try loop.finish(transport, peer)
            }
        }
    }

    // Pitfall 55
    @Test(arguments: LoopKind.allCases)
    func aPauseHoldsBackAtOnceAndItsEndNeedsNoNetwork(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for readsAhead in [false, true] {
                let context = ScriptedTLS()
                context.readsAhead = readsAhead
                let recorder = RecordingProtocol()
                var pauses = true
                recorder.onData = { transport, _ in if pauses { transport.pauseReading() } }
                let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context))
                for word in ["one ", "two ", "three "] { peer.write(word, sends: false) }
                // A large one: of an engine that takes all, more is pending than the room holds.
                peer.write(patternBytes(200_000), sends: false)
                peer.closeNotify()
                try loop.turn {
                    peer.step()
                    return !recorder.received.isEmpty
                }
                try loop.settle()
                #expect(recorder.events.count { if case .data = $0 { true } else { false } } == 1)
                #expect(!transport.isReading)
                var delivered = recorder.received.count
                // One piece for each resume, and the end after all of them.
                while delivered < 200_014 {
                    try #require(recorder.eofCount == 0)
                    transport.resumeReading()
                    try loop.turn {
                        peer.step()
                        return recorder.received.count > delivered
                    }
                    delivered = recorder.received.count
                    #expect(!transport.isReading)
                }
                pauses = false
                #expect(recorder.received == Array("one two three ".utf8) + patternBytes(200_000))
                transport.resumeReading()
                try loop.turn { recorder.eofCount == 1 }
                try loop.finish(transport, peer)
            }
        }
    }

    // Pitfall 50
    @Test(arguments: LoopKind.allCases)
    func nothingIsDeliveredAfterAnEndWithinADelivery(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            for way in ["close", "abort", "setProtocol", "throw", "close(timeout:)"] {
                let recorder = RecordingProtocol()
                let successor = RecordingProtocol()
                recorder.onData = { transport, _ in
                    switch way {
                    case "close": transport.close()
                    case "abort": transport.abort()
                    case "setProtocol": transport.setProtocol(successor)
                    case "throw": throw TestError(number: 5)
                    default: transport.close(timeout: .seconds(10))
                    }
                }
                if way == "throw" { loop.setExceptionHandler { _, _ in } }
                let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context))
                for word in ["one", "two", "three"] { peer.write(word, sends: false) }
                peer.send()
                try loop.turn { recorder.received.count > 0 }
                try loop.settle()
                // Records of one delivery may share a call of the engine.
                let first = recorder.received.count
                #expect(recorder.events.count { if case .data = $0 { true } else { false } } == 1)
                if way == "setProtocol" {
                    peer.write("four")
                    try loop.turn { successor.text.hasSuffix("four") }
                } else if way.hasPrefix("close") {
                    try loop.turn {
                        peer.step()
                        return peer.sawCloseNotify
                    }
                    peer.write("late")
                    peer.closeNotify()
                    try loop.turn { recorder.lostCount == 1 }
                    #expect(recorder.lostError == nil)
                } else {
                    try loop.turn { recorder.lostCount == 1 }
                    #expect(way == "abort" ? recorder.lostError == nil : recorder.lostError is TestError)
                }
                #expect(recorder.received.count == first)
                let engine = peer.engine
                #expect(engine.closeNotifies <= 1)
                try loop.finish(transport, peer)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aBufferedProtocolHasItsOwnBuffersFilled(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            for capacity in [1, 7, 1024, 100_000] {
                let recorder = RecordingBufferedProtocol(capacity: capacity)
                let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context))
                recorder.adopt(transport)
                let bytes = patternBytes(capacity == 1 ? 300 : 60_000)
                peer.write(bytes)
                try loop.turn {
                    peer.step()
                    return recorder.received.count >= bytes.count
                }
                #expect(recorder.received == bytes)
                #expect(recorder.pieces.allSatisfy { $0 <= capacity })
                // It pauses on what it is given, and hands over to a stream protocol.
                let stream = RecordingProtocol()
                recorder.onData = { transport, _ in
                    transport.pauseReading()
                    transport.setProtocol(stream)
                }
                peer.write("12345678")
                try loop.turn { recorder.received.count > bytes.count }
                try loop.settle()
                #expect(stream.received.isEmpty)
                transport.resumeReading()
                let left = max(8 - capacity, 0)
                try loop.turn { stream.received.count == left }
                try loop.finish(transport, peer)
            }
        }
    }

    // Pitfall 54
    @Test(arguments: LoopKind.allCases)
    func answersOfTheEngineGoOutThoughNobodyWrites(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connectTLS(RecordingProtocol(), TLSOptions(context))
            peer.raw.write(ScriptedRecord.make(ScriptedRecord.question, [], key: context.key))
            let answer = ScriptedRecord.make(ScriptedRecord.answered, [], key: context.key)
            try loop.turn {
                peer.raw.read()
                return peer.raw.received.suffix(answer.count) == answer
            }
            try loop.finish(transport, peer)
        }
    }

    // Some 25,000 records on either side, which take minutes under a sanitizer.
    // Pitfall 56
    @Test(.needsNoSanitizer, arguments: LoopKind.allCases)
    func answersThatNobodyReadsAreBounded(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context))
            transport.write(patternBytes(1 << 20))
            let question = ScriptedRecord.make(ScriptedRecord.question, [], key: context.key)
            let questions = Array(repeatElement(question, count: 500).joined())
            var asked = 0
            for _ in 0..<100 {
                asked += peer.raw.write(questions)
                try loop.turn()
                #expect(transport.belowUnsent <= 300_000)
            }
            #expect(transport.lacksRoom)
            // The last one may be cut; data comes behind it, and behind all answers.
            let begun = asked % question.count
            let rest =
                (begun == 0 ? [] : Array(question[begun...]))
                + ScriptedRecord.make(ScriptedRecord.data, Array("end".utf8), key: context.key)
            var sent = 0
            try loop.turn {
                peer.step()
                if sent < rest.count { sent += peer.raw.write(rest[sent...]) }
                return recorder.text == "end"
            }
            try loop.turn {
                peer.step()
                return peer.received.count == 1 << 20
            }
            #expect(peer.received == patternBytes(1 << 20))
            try loop.finish(transport, peer)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aBrokenRecordEndsTheConnection(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (_, peer) = try loop.connectTLS(recorder, TLSOptions(context))
            peer.write("good", sends: false)
            peer.raw.write(peer.takeOutgoing() + ScriptedRecord.make(99, [1, 2], key: context.key))
            try loop.turn {
                peer.raw.read()
                return recorder.lostCount == 1 && peer.raw.sawEnd
            }
            #expect((recorder.lostError as? TLSError)?.reason == .brokenRecord)
            // What came before it was delivered, and the peer was told.
            #expect(recorder.text == "good")
            let alert = ScriptedRecord.make(ScriptedRecord.alert, [20], key: context.key)
            #expect(peer.raw.received.suffix(alert.count) == alert)
        }
    }
}
