import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct SendFileTests {
    /// Reads what comes until `task` is done and `count` bytes have come.
    private static func receive<Value>(
        _ peer: RawPeer,
        until task: LoopTask<Value>,
        count: Int,
        on loop: BaseEventLoop
    ) throws {
        try loop.rest {
            peer.read()
            return task.done && peer.received.count >= count
        }
    }

    // Behaviour 36
    // Pitfall 38
    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func aFileArrivesWholeBetweenWhatIsWrittenBeforeAndAfter(
        kind: LoopKind,
        socket: SocketPair.Kind
    ) async throws {
        try await kind.withLoop { loop in
            // More than a pipe, and than the sockets' buffers, holds; and no whole number of pages.
            let bytes = patternBytes(2_500_001)
            let place = try TemporaryFile(bytes)
            let (transport, peer) = try loop.connect(RecordingProtocol(), over: socket)
            let head = patternBytes(200_000, seed: 3)
            let task = loop.createTask { () -> (Int64, Int64) in
                let file = try await File.open(place.path, on: loop)
                transport.write(head)
                let sent = try await loop.sendFile(transport, file)
                transport.write("tail")
                let position = file.position
                try await file.close()
                return (sent, position)
            }
            let expected = head + bytes + Array("tail".utf8)
            try Self.receive(peer, until: task, count: expected.count, on: loop)
            #expect(try task.result() == (2_500_001, 2_500_001))
            #expect(peer.received == expected)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases)
    func aPeerThatHasStoppedSendingGetsAllOfAFile(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let bytes = patternBytes(2_500_001)
            let place = try TemporaryFile(bytes)
            let recorder = RecordingProtocol()
            recorder.onEOF = { _ in true }
            let (transport, peer) = try loop.connect(recorder)
            peer.finish()
            try loop.turn { recorder.eofCount == 1 }
            let task = loop.createTask {
                try await File.withFile(place.path, on: loop) { (file) async throws in
                    try await loop.sendFile(transport, file)
                }
            }
            // Long enough for the socket to be full and waited for, on every kind of loop.
            try loop.turnUntilWaiting()
            try loop.callLater(.milliseconds(60)) { loop.stop() }
            try loop.runForever()
            #expect(!task.done)
            try Self.receive(peer, until: task, count: bytes.count, on: loop)
            #expect(try task.result() == 2_500_001)
            #expect(peer.received == bytes)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases)
    func anyStretchOfAFileCanBeSent(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let bytes = patternBytes(3_000_000)
            let place = try TemporaryFile(bytes)
            let empty = try TemporaryFile([])
            let (transport, peer) = try loop.connect(RecordingProtocol())
            let stretches: [(offset: Int64, count: Int64?, sent: Int)] = [
                (0, 1, 1), (1, 4096, 4096), (4095, 2, 2), (4097, 1_200_000, 1_200_000),
                (1_500_001, nil, 1_499_999), (2_999_999, 1 << 40, 1), (3_000_000, nil, 0),
                (5_000_000, 10, 0), (7, 0, 0),
            ]
            var expected: [UInt8] = []
            for stretch in stretches {
                let start = min(Int(stretch.offset), bytes.count)
                expected += bytes[start..<start + stretch.sent]
            }
            let task = loop.createTask {
                try await File.withFile(place.path, on: loop) { (file) async throws in
                    for stretch in stretches {
                        let sent = try await loop.sendFile(
                            transport,
                            file,
                            offset: stretch.offset,
                            count: stretch.count
                        )
                        #expect(sent == stretch.sent)
                        #expect(file.position == stretch.offset + sent)
                    }
                }
                try await File.withFile(empty.path, on: loop) { (file) async throws in
                    #expect(try await loop.sendFile(transport, file) == 0)
                    #expect(file.position == 0)
                }
            }
            try Self.receive(peer, until: task, count: expected.count, on: loop)
            try task.result()
            #expect(peer.received == expected)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func aPeerThatClosesMidwayLeavesTheNumberOfBytesSent(
        kind: LoopKind,
        socket: SocketPair.Kind
    ) async throws {
        try await kind.withLoop { loop in
            // More than the buffers of any socket hold.
            let bytes = patternBytes(2 << 20)
            let place = try TemporaryFile(bytes, length: 64 << 20)
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder, over: socket)
            let file = try loop.run { try await File.open(place.path, on: loop) }
            let task = loop.createTask { try await loop.sendFile(transport, file, offset: 1000) }
            try loop.rest {
                peer.read(limit: 100_000)
                return peer.received.count > 500_000
            }
            peer.close()
            try loop.rest { task.done }
            let error = #expect(throws: SendFileError.self) { try task.result() }
            guard case .connectionLost(let reason, let bytesSent) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason == .brokenPipe || reason == .connectionReset)
            #expect(bytesSent >= peer.received.count && bytesSent < 64 << 20)
            #expect(file.position == 1000 + bytesSent)
            #expect(peer.received == Array(bytes[1000..<1000 + peer.received.count]))
            try loop.rest { recorder.lostCount == 1 }
            #expect(recorder.lostError is SocketError)
            try loop.run { try await file.close() }
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 36
    // Pitfall 35
    @Test(arguments: LoopKind.allCases)
    func nothingElseIsSentMeanwhile(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let bytes = patternBytes(2 << 20)
            let place = try TemporaryFile(bytes)
            let (transport, peer) = try loop.connect(RecordingProtocol())
            let file = try loop.run { try await File.open(place.path, on: loop) }
            var refusals: [any Error] = []
            loop.setExceptionHandler { _, context in if let error = context.error { refusals.append(error) } }
            let task = loop.createTask { try await loop.sendFile(transport, file) }
            try loop.settle(turns: 5)
            #expect(!task.done)
            transport.write("between")
            transport.write(patternBytes(20_000))
            transport.write(OwnedBuffer([1]))
            transport.writeLines([[1], [2]])
            #expect(refusals.count == 4)
            #expect(refusals.allSatisfy { $0 as? SendFileError == .inProgress })
            try loop.run {
                await #expect(throws: SendFileError.inProgress) { try await loop.sendFile(transport, file) }
            }
            try Self.receive(peer, until: task, count: bytes.count, on: loop)
            #expect(try task.result() == Int64(bytes.count))
            transport.write("after")
            try loop.rest {
                peer.read()
                return peer.received.count >= bytes.count + 5
            }
            #expect(peer.received == bytes + Array("after".utf8))
            loop.setExceptionHandler(nil)
            try loop.run { try await file.close() }
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases)
    func whatComesMeanwhileIsDeliveredAfterwards(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let bytes = patternBytes(2 << 20)
            let place = try TemporaryFile(bytes)
            let recorder = RecordingProtocol.echo()
            let (transport, peer) = try loop.connect(recorder)
            let task = loop.createTask {
                try await File.withFile(place.path, on: loop) { try await loop.sendFile(transport, $0) }
            }
            try loop.rest {
                peer.read(limit: 1)
                return peer.received.count == 1
            }
            peer.write("question")
            try loop.settle()
            #expect(recorder.received.isEmpty && !task.done)
            try Self.receive(peer, until: task, count: bytes.count + 8, on: loop)
            #expect(peer.received == bytes + Array("question".utf8))
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 36
    // Pitfall 23
    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func cancellingStopsItAndCountsEveryByte(kind: LoopKind, socket: SocketPair.Kind) async throws {
        try await kind.withLoop { loop in
            let bytes = patternBytes(2 << 20) + [UInt8](repeating: 0, count: 14 << 20)
            let place = try TemporaryFile(Array(bytes[..<(2 << 20)]), length: 16 << 20)
            let (transport, peer) = try loop.connect(RecordingProtocol(), over: socket)
            let file = try loop.run { try await File.open(place.path, on: loop) }
            let task = loop.createTask { try await loop.sendFile(transport, file, offset: 77) }
            try loop.rest {
                peer.read(limit: 50_000)
                return peer.received.count > 200_000
            }
            task.cancel()
            try loop.rest { task.done }
            #expect(task.cancelled)
            let sent = Int(file.position) - 77
            #expect(sent >= peer.received.count && sent < bytes.count - 77)
            // The transport is as good as before, and nothing of the file is left anywhere.
            transport.write("after")
            try loop.rest {
                peer.read()
                return peer.received.count >= sent + 5
            }
            #expect(peer.received == Array(bytes[77..<77 + sent]) + Array("after".utf8))
            let again = loop.createTask { try await loop.sendFile(transport, file, count: 1_300_000) }
            try Self.receive(peer, until: again, count: sent + 5 + 1_300_000, on: loop)
            #expect(Array(peer.received[(sent + 5)...]) == Array(bytes[..<1_300_000]))
            try loop.run { try await file.close() }
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 32
    // Behaviour 36
    @Test(arguments: LoopKind.allCases, [false, true])
    func closingAndEndingWaitForTheFile(kind: LoopKind, closes: Bool) async throws {
        try await kind.withLoop { loop in
            let bytes = patternBytes(2 << 20)
            let place = try TemporaryFile(bytes)
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            let task = loop.createTask {
                try await File.withFile(place.path, on: loop) { try await loop.sendFile(transport, $0) }
            }
            try loop.rest {
                peer.read(limit: 1)
                return peer.received.count == 1
            }
            if closes { transport.close() } else { transport.writeEOF() }
            try loop.settle()
            #expect(recorder.lostCount == 0 && !task.done)
            try loop.rest {
                peer.read()
                return task.done && peer.sawEnd
            }
            #expect(try task.result() == Int64(bytes.count))
            #expect(peer.received == bytes)
            if closes { try loop.rest { recorder.lostCount == 1 } }
            #expect(recorder.lostError == nil)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 32
    // Pitfall 16
    @Test(arguments: LoopKind.allCases)
    func abortingEndsIt(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile(patternBytes(1 << 20), length: 64 << 20)
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            let file = try loop.run { try await File.open(place.path, on: loop) }
            let task = loop.createTask { try await loop.sendFile(transport, file) }
            try loop.rest {
                peer.read(limit: 1)
                return peer.received.count == 1
            }
            transport.abort()
            try loop.rest { task.done && recorder.lostCount == 1 }
            #expect(throws: SendFileError.connectionLost(nil, bytesSent: file.position)) { try task.result() }
            try loop.rest {
                peer.read()
                return peer.isOver
            }
            #expect(file.position == peer.received.count)
            try loop.run {
                await #expect(throws: EventLoopError.self) { try await loop.sendFile(transport, file) }
                try await file.close()
            }
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases)
    func whatCannotBeSentIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile([1, 2, 3])
            let (transport, peer) = try loop.connect(RecordingProtocol())
            try loop.run {
                try await File.withFile("/tmp", on: loop) { (directory) async throws in
                    await #expect(
                        throws: SendFileError.fileFailed(.isDirectory, path: "/tmp", bytesSent: 0)
                    ) {
                        try await loop.sendFile(transport, directory)
                    }
                }
                try await File.withFile(place.path, .writeOnly, on: loop) { (file) async throws in
                    await #expect(
                        throws: SendFileError.fileFailed(.badFileDescriptor, path: place.path, bytesSent: 0)
                    ) {
                        try await loop.sendFile(transport, file)
                    }
                }
                let file = try await File.open(place.path, on: loop)
                await #expect(throws: EventLoopError.self) {
                    try await loop.sendFile(transport, file, offset: -1)
                }
                await #expect(throws: EventLoopError.self) {
                    try await loop.sendFile(transport, file, count: -1)
                }
                try await file.close()
                await #expect(throws: FileError(.read, .badFileDescriptor, path: place.path)) {
                    try await loop.sendFile(transport, file)
                }
                transport.writeEOF()
                try await File.withFile(place.path, on: loop) { (file) async throws in
                    await #expect(throws: EventLoopError.self) { try await loop.sendFile(transport, file) }
                }
            }
            try loop.finish(transport, peer)
        }
    }

    /// A ring's threads are few, and peers that do not read must not hold them.
    @Test(arguments: LoopKind.allCases)
    func peersThatDoNotReadDoNotHoldUpTheOthers(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let bytes = patternBytes(1_300_000)
            let place = try TemporaryFile(bytes)
            let file = try loop.run { try await File.open(place.path, on: loop) }
            var stalled: [(transport: any Transport, peer: RawPeer, task: LoopTask<Int64>)] = []
            for _ in 0..<20 {
                let (transport, peer) = try loop.connect(RecordingProtocol())
                stalled.append(
                    (transport, peer, loop.createTask { try await loop.sendFile(transport, file) })
                )
            }
            try loop.settle()
            let (transport, peer) = try loop.connect(RecordingProtocol(), over: .tcp)
            let task = loop.createTask { try await loop.sendFile(transport, file) }
            try Self.receive(peer, until: task, count: bytes.count, on: loop)
            #expect(peer.received == bytes)
            for (index, entry) in stalled.enumerated() {
                #expect(!entry.task.done)
                if index.isMultiple(of: 2) {
                    try Self.receive(entry.peer, until: entry.task, count: bytes.count, on: loop)
                    #expect(entry.peer.received == bytes)
                } else {
                    entry.transport.abort()
                    try loop.rest { entry.task.done }
                    #expect(throws: SendFileError.self) { try entry.task.result() }
                }
                try loop.finish(entry.transport, entry.peer)
            }
            try loop.finish(transport, peer)
            try loop.run { try await file.close() }
            if let ring = loop.backend as? UringBackend {
                #expect(ring.pipes.lent.isEmpty)
                #expect(ring.pipes.idle.count <= TransferPipes.idleMax)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anotherLoopsFileIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile([1])
            let (transport, peer) = try loop.connect(RecordingProtocol())
            let other = try kind.makeLoop()
            let file = try other.run { try await File.open(place.path, on: other) }
            #expect(throws: EventLoopError.self) {
                try loop.run { _ = try await loop.sendFile(transport, file) }
            }
            try other.run { try await file.close() }
            try other.close()
            try loop.finish(transport, peer)
        }
    }
}
