import SystemPackage
import Testing

@testable import Proactor

/// Files over TLS are read and written: the system does not see what is sent.
@Suite struct TLSSendFileTests {
    private static let bytes = patternBytes(1_500_003)
    private let context = ScriptedTLS()

    // Behaviour 36
    @Test(arguments: LoopKind.allCases)
    func aFileGoesBetweenWhatIsWritten(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            let place = try TemporaryFile(Self.bytes)
            var reports: [any Error] = []
            loop.setExceptionHandler { _, context in context.error.map { reports.append($0) } }
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context))
            let file = try loop.run { try await File.open(place.path, on: loop) }
            let task = loop.createTask { () -> Int64 in
                transport.write("head")
                await #expect(throws: SendFileError.notAvailable(nil)) {
                    try await loop.sendFile(transport, file, offset: 3, count: nil, fallback: false)
                }
                #expect(try await loop.sendFile(transport, file, offset: 0, count: 0) == 0)
                let sent = try await loop.sendFile(transport, file, offset: 3, count: nil)
                transport.write("tail")
                return sent
            }
            peer.write("meanwhile")
            try loop.rest { transport.fileWriting != nil }
            transport.write("out of turn")
            #expect(reports.count == 1 && reports[0] as? SendFileError == .inProgress)
            let second = loop.createTask { try await loop.sendFile(transport, file, offset: 0, count: nil) }
            try loop.rest { second.done }
            #expect(throws: SendFileError.inProgress) { try second.result() }
            try loop.rest {
                peer.step()
                return task.done && peer.received.count >= 1_500_008
            }
            #expect(try task.result() == 1_500_000 && file.position == 1_500_003)
            #expect(peer.received == Array("head".utf8) + Self.bytes[3...] + Array("tail".utf8))
            try loop.turn { recorder.text == "meanwhile" }
            try loop.run { try await file.close() }
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases)
    func aCloseWaitsForIt(kind: LoopKind) async throws {
        let context = context
        try await kind.withLoop { loop in
            let place = try TemporaryFile(Self.bytes)
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context))
            let file = try loop.run { try await File.open(place.path, on: loop) }
            let task = loop.createTask { try await loop.sendFile(transport, file) }
            try loop.rest { transport.fileWriting != nil }
            transport.close()
            try loop.rest {
                peer.step()
                if peer.sawCloseNotify, peer.engine.closeNotifies == 0 { peer.closeNotify() }
                return task.done && recorder.lostCount == 1
            }
            #expect(try task.result() == Int64(Self.bytes.count))
            #expect(peer.received == Self.bytes && recorder.lostError == nil)
            try loop.run { try await file.close() }
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases, ["the peer leaves", "an abort", "a cancel"])
    func anEndMidwayTellsHowFarItCame(kind: LoopKind, end: String) async throws {
        let context = context
        try await kind.withLoop { loop in
            let place = try TemporaryFile(patternBytes(8 << 20))
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connectTLS(recorder, TLSOptions(context))
            let file = try loop.run { try await File.open(place.path, on: loop) }
            let task = loop.createTask { try await loop.sendFile(transport, file) }
            try loop.rest {
                peer.step(limit: 100_000)
                return peer.received.count > 500_000
            }
            switch end {
            case "the peer leaves": peer.raw.close()
            case "an abort": transport.abort()
            default: task.cancel()
            }
            try loop.rest { task.done }
            let position = file.position
            #expect(position >= peer.received.count && position < 8 << 20)
            if end == "a cancel" {
                #expect(throws: CancellationError.self) { try task.result() }
                // The transport goes on, with what it was given.
                transport.write("tail")
                try loop.rest {
                    peer.step()
                    return peer.received.count == Int(position) + 4
                }
                #expect(peer.received.starts(with: patternBytes(Int(position))))
            } else {
                let error = #expect(throws: SendFileError.self) { try task.result() }
                guard case .connectionLost(let reason, position) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect((reason == nil) == (end == "an abort"))
                try loop.turn { recorder.lostCount == 1 }
            }
            try loop.run { try await file.close() }
            try loop.finish(transport, peer)
        }
    }
}
