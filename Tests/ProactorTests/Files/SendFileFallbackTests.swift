import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Sending files where the system does not do it by itself.
@Suite struct SendFileFallbackTests {
    private static let bytes = patternBytes(2_000_003)

    // Behaviour 36
    @Test(arguments: LoopKind.allCases, [Errno.invalidArgument, .noFunction, .tooManyOpenFiles])
    func theFileIsReadAndWrittenInstead(kind: LoopKind, reason: Errno) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let place = try TemporaryFile(Self.bytes)
            let (transport, peer) = try loop.connect(RecordingProtocol())
            let file = try loop.run { try await File.open(place.path, on: loop) }
            backend.failures[.sendFile] = [reason, reason]
            let task = loop.createTask { () -> Int64 in
                transport.write("head")
                await #expect(throws: SendFileError.notAvailable(reason)) {
                    try await loop.sendFile(transport, file, offset: 3, count: nil, fallback: false)
                }
                #expect(file.position == 3)
                let sent = try await loop.sendFile(transport, file, offset: 3, count: 1_500_000)
                transport.write("tail")
                return sent
            }
            try loop.rest {
                peer.read()
                return task.done && peer.received.count >= 1_500_008
            }
            #expect(try task.result() == 1_500_000)
            #expect(file.position == 1_500_003)
            #expect(
                peer.received == Array("head".utf8) + Self.bytes[3..<1_500_003] + Array("tail".utf8)
            )
            try loop.run { try await file.close() }
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases)
    func thePeersEndIsCountedExactlyHereToo(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let place = try TemporaryFile(Self.bytes)
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            let file = try loop.run { try await File.open(place.path, on: loop) }
            backend.failures[.sendFile] = [.invalidArgument]
            let task = loop.createTask { try await loop.sendFile(transport, file) }
            try loop.rest {
                peer.read(limit: 10_000)
                return peer.received.count > 100_000
            }
            peer.close()
            try loop.rest { task.done && recorder.lostCount == 1 }
            let error = #expect(throws: SendFileError.self) { try task.result() }
            let reasons = [Errno.brokenPipe, .connectionReset]
            #expect(reasons.contains { error == .connectionLost($0, bytesSent: file.position) })
            #expect(file.position >= peer.received.count && file.position < Self.bytes.count)
            try loop.run { try await file.close() }
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases)
    func aFileThatBreaksOffTellsHowFarItCame(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let place = try TemporaryFile(Self.bytes)
            let (transport, peer) = try loop.connect(RecordingProtocol())
            let file = try loop.run { try await File.open(place.path, on: loop) }
            backend.failures[.sendFile] = [.invalidArgument]
            var reads = 0
            backend.onSubmit = { operation in
                guard case .readFile = operation else { return }
                reads += 1
                if reads == 3 { backend.failures[.readFile] = [.ioError] }
            }
            let task = loop.createTask { try await loop.sendFile(transport, file) }
            try loop.rest {
                peer.read()
                return task.done
            }
            let sent = file.position
            #expect(throws: SendFileError.fileFailed(.ioError, path: place.path, bytesSent: sent)) {
                try task.result()
            }
            try loop.rest {
                peer.read()
                return peer.received.count >= sent
            }
            // The transport goes on.
            #expect(sent > 0 && peer.received == Array(Self.bytes[..<Int(sent)]))
            backend.onSubmit = nil
            try loop.run { try await file.close() }
            try loop.finish(transport, peer)
        }
    }

    // MARK: - Transports of another kind

    // Behaviour 36
    @Test(arguments: LoopKind.allCases)
    func anyTransportCanSendAFileByFallback(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile(Self.bytes)
            let recorder = RecordingProtocol()
            let (inner, peer) = try loop.connect(recorder)
            let transport = WrappedTransport(inner)
            try transport.setWriteBufferLimits(high: 5000, low: 1000)
            let file = try loop.run { try await File.open(place.path, on: loop) }
            let head = patternBytes(1 << 20, seed: 1)
            let task = loop.createTask { () -> Int64 in
                transport.write(head)
                #expect(recorder.pauseCount == 1)
                await #expect(throws: SendFileError.notAvailable(nil)) {
                    try await loop.sendFile(transport, file, offset: 0, count: nil, fallback: false)
                }
                let sent = try await loop.sendFile(transport, file, offset: 1)
                transport.write("tail")
                return sent
            }
            peer.write("question")
            let expected = head + Self.bytes[1...] + Array("tail".utf8)
            try loop.rest {
                peer.read(limit: 300_000)
                return task.done && peer.received.count >= expected.count
            }
            #expect(try task.result() == Int64(Self.bytes.count - 1))
            #expect(file.position == Self.bytes.count)
            #expect(peer.received == expected)
            // All is as it was: the limits, the protocol and its reading, and the pause that ended meanwhile.
            #expect(transport.getWriteBufferLimits() == (1000, 5000))
            #expect(transport.getProtocol() === recorder)
            try loop.rest { recorder.text == "question" }
            #expect(recorder.pauseCount == recorder.resumeCount)
            try loop.run { try await file.close() }
            try loop.finish(inner, peer)
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases)
    func anyTransportThatIsLostEndsIt(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile(Self.bytes)
            let recorder = RecordingProtocol()
            let (inner, peer) = try loop.connect(recorder)
            let file = try loop.run { try await File.open(place.path, on: loop) }
            let task = loop.createTask { try await loop.sendFile(WrappedTransport(inner), file) }
            try loop.rest {
                peer.read(limit: 10_000)
                return peer.received.count > 300_000
            }
            peer.close()
            try loop.rest { task.done }
            let error = #expect(throws: SendFileError.self) { try task.result() }
            let reasons = [Errno.brokenPipe, .connectionReset]
            #expect(reasons.contains { error == .connectionLost($0, bytesSent: file.position) })
            #expect(file.position > 0 && file.position < Self.bytes.count)
            #expect(recorder.lostCount == 1)
            try loop.run { try await file.close() }
            try loop.finish(inner, peer)
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases, [false, true])
    func aPauseFromBeforeOutlastsTheFile(kind: LoopKind, isWrapped: Bool) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile(patternBytes(1000))
            let (inner, peer) = try loop.connect(RecordingProtocol())
            let transport: any Transport = isWrapped ? WrappedTransport(inner) : inner
            transport.pauseReading()
            let sent = try loop.run {
                let file = try await File.open(place.path, on: loop)
                let sent = try await loop.sendFile(transport, file)
                try await file.close()
                return sent
            }
            #expect(sent == 1000)
            #expect(!transport.isReading)
            transport.resumeReading()
            #expect(transport.isReading)
            try loop.finish(inner, peer)
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases)
    func cancellingCountsWhatAnyTransportHasTaken(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile(Self.bytes)
            let (inner, peer) = try loop.connect(RecordingProtocol())
            let file = try loop.run { try await File.open(place.path, on: loop) }
            let task = loop.createTask { try await loop.sendFile(WrappedTransport(inner), file) }
            try loop.rest { inner.writeBufferSize > 0 }
            task.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            let position = Int(file.position)
            try loop.rest {
                peer.read()
                return inner.writeBufferSize == 0
            }
            peer.read()
            #expect(position > 0 && peer.received == Array(Self.bytes[..<position]))
            try loop.run { try await file.close() }
            try loop.finish(inner, peer)
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases)
    func anyTransportMayBeLostInTheTurnOfTheCancel(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile(Self.bytes)
            let recorder = RecordingProtocol()
            let (inner, peer) = try loop.connect(recorder)
            let file = try loop.run { try await File.open(place.path, on: loop) }
            let task = loop.createTask { try await loop.sendFile(WrappedTransport(inner), file) }
            try loop.rest { inner.writeBufferSize > 0 }
            // The loss is told before the cancelled task has gone on.
            inner.abort()
            task.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(recorder.lostCount == 1 && recorder.lostError == nil)
            try loop.run { try await file.close() }
            try loop.finish(inner, peer)
        }
    }
}
