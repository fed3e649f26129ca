import Testing

@testable import Proactor
@testable import ProactorTesting

@Suite struct WritingTests {
    @Test(arguments: LoopKind.allCases)
    func ofATurnsLargeWritesTheFirstIsSentAtOnceAndTheRestTogether(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol())
            try loop.settle(turns: 3)
            let content = patternBytes(30_000)
            transport.write(Array(content[..<10_000]))
            #expect(transport.writeBufferSize == 0)
            transport.write(Array(content[10_000..<20_000]))
            transport.write(Array(content[20_000...]))
            #expect((transport as? StreamSocketTransport)?.unsentByteCount == 20_000)
            try loop.turn {
                peer.read()
                return peer.received.count == content.count
            }
            #expect(peer.received == content)
            try loop.finish(transport, peer)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aSendAtOnceThatFailsForAMomentLosesNothing(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            backend.sendFailures = [.noBufferSpace]
            let content = patternBytes(20_000)
            transport.write(content)
            #expect(backend.sendFailures.isEmpty)
            try loop.turn {
                peer.read()
                return peer.received.count == content.count
            }
            #expect(peer.received == content)
            // What comes now is an end like any other.
            peer.finish()
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.eofCount == 1 && recorder.lostError == nil)
            try loop.finish(transport, peer)
        }
    }

    private static let sizes = [0, 1, 4096, 8191, 8192, 65_537, 5 << 20]

    /// Writes `bytes` in the way that `form` numbers.
    private static func write(_ bytes: [UInt8], form: Int, to transport: any Transport) {
        switch form % 5 {
        case 0: transport.write(bytes)
        case 1: transport.write(bytes.span.bytes)
        case 2: transport.write(OwnedBuffer(bytes))
        case 3:
            var array = [7, 7] + bytes + [7]
            transport.write(array[2..<(2 + bytes.count)])
            // What is sent is what it was.
            array.withUnsafeMutableBytes { _ = $0.initializeMemory(as: UInt8.self, repeating: 0) }
        default:
            let third = bytes.count / 3
            transport.writeLines([Array(bytes[..<third]), [], Array(bytes[third...])])
        }
    }

    // Behaviour 27
    // Pitfall 35
    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func writesOfEverySizeAndKindArriveInOrder(kind: LoopKind, socket: SocketPair.Kind) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol(), over: socket)
            var expected: [UInt8] = []
            for form in 0..<5 {
                for (index, size) in Self.sizes.enumerated() {
                    let bytes = patternBytes(size, seed: form * 10 + index)
                    expected += bytes
                    Self.write(bytes, form: form, to: transport)
                    // Some in one turn, some across turns, with sends in flight.
                    if index.isMultiple(of: 2) { try loop.turn() }
                    peer.read(limit: 100_000)
                }
            }
            try loop.turn {
                peer.read()
                return peer.received.count >= expected.count
            }
            #expect(peer.received == expected)
            #expect(transport.writeBufferSize == 0)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 27
    @Test(arguments: LoopKind.allCases)
    func textIsSentAsUTF8(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol())
            let long = String(repeating: "Grüße, 世界. ", count: 2000)
            transport.write("")
            transport.write("é")
            transport.write(long)
            // Bridged and sliced strings have other storage.
            transport.write(String(long.dropFirst(3).prefix(7)))
            let expected = "é" + long + long.dropFirst(3).prefix(7)
            try loop.turn {
                peer.read()
                return peer.received.count >= expected.utf8.count
            }
            #expect(peer.text == expected)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 27
    // Pitfall 35
    @Test(arguments: LoopKind.allCases)
    func aLargeWriteStaysBehindTheSmallOnesOfItsTurn(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol())
            let large = patternBytes(30_000)
            var expected: [UInt8] = []
            for pattern in [[1], [1, 30_000], [30_000, 1], [30_000, 30_000, 1, 30_000], [0, 30_000, 5]] {
                for size in pattern {
                    transport.write(Array(large[..<size]))
                    expected += large[..<size]
                }
                // The first one of a turn may be sent at once; the next turn starts afresh.
                try loop.turn()
                peer.read()
            }
            try loop.turn {
                peer.read()
                return peer.received.count >= expected.count
            }
            #expect(peer.received == expected)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 27
    // Pitfall 34
    @Test(arguments: LoopKind.allCases, [1, 7, 4095, 70_000])
    func shortSendsGoOnFromTheByteCount(kind: LoopKind, limit: Int) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.sendLimit = limit
            let (transport, peer) = try loop.connect(RecordingProtocol())
            // Enough pieces for vectors, but not more sends than a test has time for.
            let bytes = patternBytes(min(limit * 300, 1 << 20))
            for start in stride(from: 0, to: bytes.count, by: max(bytes.count / 9, 1)) {
                let end = min(start + max(bytes.count / 9, 1), bytes.count)
                Self.write(Array(bytes[start..<end]), form: start, to: transport)
            }
            try loop.turn {
                peer.read()
                return peer.received.count >= bytes.count
            }
            #expect(peer.received == bytes)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 27
    // Pitfall 37
    @Test(arguments: LoopKind.allCases)
    func moreBuffersThanAVectorMayHaveArriveInOrder(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol())
            var expected: [UInt8] = []
            // Each is a segment of its own; IOV_MAX is 1024.
            for index in 0..<3000 {
                let bytes = patternBytes(1 + index % 40, seed: index)
                expected += bytes
                transport.write(OwnedBuffer(bytes))
            }
            try loop.turn {
                peer.read()
                return peer.received.count >= expected.count
            }
            #expect(peer.received == expected)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 27
    @Test(arguments: LoopKind.allCases)
    func writeLinesIsOneWriteToTheProtocol(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            var errors = 0
            loop.setExceptionHandler { _, _ in errors += 1 }
            let pieces = (0..<10).map { patternBytes(10, seed: $0) }
            transport.writeLines(pieces)
            transport.writeEOF()
            // One mistake, however many pieces.
            transport.writeLines(pieces)
            #expect(errors == 1)
            try loop.turn {
                peer.read()
                return peer.sawEnd
            }
            #expect(peer.received == pieces.flatMap { $0 })
            loop.setExceptionHandler(nil)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 27
    @Test(arguments: LoopKind.allCases)
    func anEchoReturnsWhatWasSent(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol.echo(), over: .tcp)
            let bytes = patternBytes(3 << 20)
            var sent = 0
            try loop.turn {
                if sent < bytes.count { sent += peer.write(bytes[sent..<min(sent + 60_001, bytes.count)]) }
                peer.read()
                return peer.received.count >= bytes.count
            }
            #expect(peer.received == bytes)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 27
    // Pitfall 34
    @Test(arguments: LoopKind.allCases)
    func moreThanACallTakesIsSentInSeveral(kind: LoopKind) async throws {
        try await kind.withLoop { inner in
            // Nothing goes out past the operations.
            let system = FaultySystemCalls(inner.backend.system)
            system.sendLimit = 0
            let backend = SpoutBackend(inner.backend, system: system)
            let loop = BaseEventLoop(backend: backend, label: "two gigabytes")
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            // The largest that is not copied. Nobody looks at the memory, which takes none therefore.
            let size = Int(Int32.max)
            var buffer = OwnedBuffer(capacity: size)
            buffer.didFill(size)
            transport.write(buffer)
            #expect(transport.writeBufferSize == size)
            #expect(recorder.pauseCount == 1)
            transport.close()
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostError == nil && recorder.resumeCount == 1)
            #expect(backend.sends.map(\.count) == [size, size - SpoutBackend.callMax])
            #expect(backend.sends[1].start == backend.sends[0].start + UInt(SpoutBackend.callMax))
            try loop.finish(transport, peer)
            try loop.close()
        }
        #expect(KernelRing.length(Int(UInt32.max) + 5) == 0x7fff_f000)
    }
}

/// Takes every send for sent, up to what Linux takes by one call.
private final class SpoutBackend: ForwardingBackend {
    static let callMax = 0x7fff_f000

    private(set) var sends: [(start: UInt, count: Int)] = []
    private var done: [(owner: CompletionOwner?, completion: Completion)] = []

    /// Sends are seen here, whatever is below.
    override var asksForSendsAtOnce: Bool { false }
    override var operationCount: Int { super.operationCount + done.count }

    @discardableResult
    override func submit(_ operation: IOOperation, owner: CompletionOwner?) -> OperationToken {
        guard case .sendNow(_, let bytes) = operation else { return super.submit(operation, owner: owner) }
        sends.append((UInt(bitPattern: bytes.baseAddress), bytes.count))
        let token = OperationToken(kind: .sendNow, generation: UInt32(sends.count), slot: .max - 1)
        let result = Int32(min(bytes.count, Self.callMax))
        done.append((owner, Completion(token: token, result: result, isFinal: true)))
        return token
    }

    override func poll(timeoutNanoseconds: Int64) {
        super.poll(timeoutNanoseconds: done.isEmpty ? timeoutNanoseconds : 0)
    }

    override func deliver() {
        let batch = done
        done = []
        for (owner, completion) in batch { owner?.operationCompleted(completion) }
        super.deliver()
    }
}
