import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct DatagramFlowTests {
    private typealias Recorder = RecordingDatagramProtocol

    /// Reads what a slow peer has until `count` datagrams have come.
    private static func drain(
        _ peer: RawDatagramPeer,
        _ loop: BaseEventLoop,
        count: Int,
        eachTurn: () -> Void = {}
    ) throws -> [[UInt8]] {
        var received: [[UInt8]] = []
        try loop.turn {
            eachTurn()
            received += peer.receiveAll()
            return received.count >= count
        }
        return received
    }

    // Behaviour 28
    @Test(arguments: LoopKind.allCases, [false, true])
    func theProtocolIsPausedAndResumedOnce(kind: LoopKind, isConnected: Bool) async throws {
        try await kind.withFaultyLoop { loop, backend in
            // However long it takes, the peer is not given up.
            backend.stopClock()
            let recorder = Recorder()
            let peer = try RawDatagramPeer(.unixAbstract)
            let local = DatagramFamily.unixAbstract.address()
            let client = try loop.openEndpoint(recorder, at: local, to: isConnected ? peer.address : nil)
            let address = isConnected ? nil : peer.address
            try client.setWriteBufferLimits(high: 10_000, low: 2_000)
            #expect(client.getWriteBufferLimits() == (2_000, 10_000))
            var count = 0
            while client.writeBufferSize <= 10_000 {
                #expect(recorder.pauseCount == 0)
                try client.sendTo(numbered(count, size: 492), address)
                count += 1
                try loop.turn()
            }
            // 500 bytes each, as it counts them.
            #expect(client.writeBufferSize == 10_500)
            #expect(recorder.pauseCount == 1)
            try client.sendTo(numbered(count, size: 492), address)
            count += 1
            try loop.settle()
            #expect(recorder.pauseCount == 1 && recorder.resumeCount == 0)
            var sizeWhenResumed = -1
            recorder.onResume = { sizeWhenResumed = $0.writeBufferSize }
            let received = try Self.drain(peer, loop, count: count) {
                backend.advanceClock(by: .milliseconds(1))
            }
            #expect(received == (0..<count).map { numbered($0, size: 492) })
            try loop.turn { recorder.resumeCount == 1 }
            #expect(sizeWhenResumed >= 0 && sizeWhenResumed <= 2_000)
            try loop.settle()
            #expect(recorder.pauseCount == 1 && recorder.resumeCount == 1)
            #expect(recorder.errors.isEmpty)
            try loop.finish(client)
        }
    }

    // Behaviour 28
    @Test(arguments: LoopKind.allCases)
    func aHighMarkOfZeroPausesUntilAllIsSent(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = Recorder()
            let (client, peer) = try loop.connectEndpoint(recorder)
            backend.datagramSendFailures = [.resourceTemporarilyUnavailable]
            #expect(client.getWriteBufferLimits() == (16 * 1024, 64 * 1024))
            try client.setWriteBufferLimits(high: 0)
            #expect(throws: EventLoopError.self) { try client.setWriteBufferLimits(high: 1, low: 2) }
            try client.sendTo([] as [UInt8])
            #expect(recorder.pauseCount == 1)
            try loop.turn { recorder.resumeCount == 1 }
            #expect(client.writeBufferSize == 0)
            #expect(peer.receiveAll() == [[]])
            try loop.finish(client)
        }
    }

    // Behaviour 28
    @Test(arguments: LoopKind.allCases)
    func raisingTheMarksResumesAtOnce(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = Recorder()
            let (client, peer) = try loop.connectEndpoint(recorder)
            backend.datagramSendFailures = [.resourceTemporarilyUnavailable]
            try client.setWriteBufferLimits(high: 0)
            try client.sendTo([1, 2] as [UInt8])
            #expect(recorder.pauseCount == 1 && client.writeBufferSize == 10)
            try client.setWriteBufferLimits(high: 400, low: 9)
            #expect(recorder.resumeCount == 0)
            try client.setWriteBufferLimits(high: 400, low: 10)
            #expect(recorder.resumeCount == 1)
            try loop.turn { client.writeBufferSize == 0 }
            try loop.settle()
            #expect(recorder.pauseCount == 1 && recorder.resumeCount == 1)
            #expect(peer.receiveAll() == [[1, 2]])
            try loop.finish(client)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aConnectedUnixEndpointWaitsWithoutAsking(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = Recorder()
            let (client, peer) = try loop.connectEndpoint(recorder)
            var submitted: [OperationKind] = []
            backend.onSubmit = { submitted.append($0.kind) }
            var count = try loop.fill(client)
            try loop.settle(turns: 50)
            #expect(submitted.filter { $0 != .receiveDatagrams } == [.waitUntilWritable])
            #expect(loop.timers.store.earliest == nil)
            // Its next wait cannot be had: it asks again and again.
            backend.failures[.waitUntilWritable] = [.noMemory, .noMemory]
            for _ in 0..<50 {
                try client.sendTo(numbered(count))
                count += 1
            }
            #expect(peer.receive() == numbered(0))
            try loop.turn { backend.failures[.waitUntilWritable] == [] }
            #expect(try Self.drain(peer, loop, count: count - 1) == (1..<count).map { numbered($0) })
            #expect(recorder.errors.isEmpty && recorder.lostCount == 0)
            backend.onSubmit = nil
            try loop.finish(client)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatCannotBeWaitedForIsNotAskedAgainAtOnce(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let (client, peer) = try loop.connectEndpoint(Recorder())
            var waits = 0
            backend.onSubmit = { if $0.kind == .waitUntilWritable { waits += 1 } }
            backend.failures[.waitUntilWritable] = [.noMemory]
            let count = try loop.fill(client)
            try loop.settle()
            #expect(waits == 1)
            backend.advanceClock(by: .milliseconds(1))
            try loop.turn { waits == 2 }
            #expect(try Self.drain(peer, loop, count: count) == (0..<count).map { numbered($0) })
            backend.onSubmit = nil
            try loop.finish(client)
        }
    }

    // Behaviour 32
    @Test(arguments: LoopKind.allCases)
    func closeSendsWhatIsQueued(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            // However long it takes, the peer is not given up.
            backend.stopClock()
            let recorder = Recorder()
            let (client, peer) = try loop.connectEndpoint(recorder)
            let address = try #require(client.extraInfo(.socketName))
            var count = try loop.fill(client)
            for _ in 0..<20 {
                try client.sendTo(numbered(count))
                count += 1
            }
            client.close()
            client.close()
            #expect(client.isClosing)
            // Nothing is received any more, and nothing more is sent.
            try peer.send([1], to: address)
            try client.sendTo([2])
            try loop.settle()
            #expect(recorder.lostCount == 0 && recorder.received.isEmpty)
            #expect(try Self.drain(peer, loop, count: count) == (0..<count).map { numbered($0) })
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostErrors[0] == nil)
            try loop.finish(client)
            #expect(recorder.lostCount == 1 && recorder.errors.isEmpty)
            #expect(peer.receiveAll() == [])
        }
    }

    // Behaviour 32
    // Pitfall 24
    @Test(arguments: LoopKind.allCases)
    func abortDropsWhatIsQueued(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for closesFirst in [false, true] {
                let recorder = Recorder()
                let (client, peer) = try loop.connectEndpoint(recorder)
                let count = try loop.fill(client)
                for number in 0..<300 { try client.sendTo(patternBytes(1000, seed: number)) }
                if closesFirst { client.close() }
                client.abort()
                client.abort()
                #expect(recorder.lostCount == 0)
                try loop.turn { recorder.lostCount == 1 && loop.openTransports.count == 0 }
                #expect(recorder.lostErrors[0] == nil)
                #expect(client.writeBufferSize == 0)
                // The one that the kernel had may have gone out all the same.
                #expect(peer.receiveAll().count <= count)
                try loop.finish(client)
                #expect(recorder.lostCount == 1 && recorder.errors.isEmpty)
            }
        }
    }

    // Behaviour 26
    @Test(arguments: LoopKind.allCases)
    func sendingAfterCloseIsIgnored(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = Recorder()
            let (client, peer) = try loop.connectEndpoint(recorder)
            client.close()
            let lines = try LogCapture.lines {
                for _ in 0..<20 { try client.sendTo([1]) }
            }
            #expect(lines.count == 1 && lines[0].contains("ignores"))
            try loop.turn { recorder.lostCount == 1 }
            try loop.finish(client)
            #expect(peer.receiveAll() == [])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatIsSentInATurnGoesOutTogether(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let (client, peer) = try loop.connectEndpoint(Recorder(), .ipv4)
            for number in 0..<100 { try client.sendTo(numbered(number)) }
            #expect(peer.receive() == nil)
            try loop.turn()
            #expect(backend.datagramBatches == [100])
            #expect(try Self.drain(peer, loop, count: 100) == (0..<100).map { numbered($0) })
            // A flood leaves others their turn.
            for number in 0..<600 { try client.sendTo(numbered(number, size: 10)) }
            try loop.turn()
            #expect(backend.datagramBatches == [100, 256])
            try loop.turn { client.writeBufferSize == 0 }
            #expect(backend.datagramBatches == [100, 256, 256, 88])
            try loop.finish(client)
        }
    }

    // Pitfall 28
    @Test(arguments: LoopKind.allCases)
    func aRefusedDatagramIsReportedAndTheOthersGoOut(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = Recorder()
            let (client, peer) = try loop.connectEndpoint(recorder, .ipv4)
            backend.datagramSendFailures = [.noBufferSpace, .noBufferSpace]
            for number in 0..<5 { try client.sendTo(numbered(number)) }
            #expect(try Self.drain(peer, loop, count: 3) == (2..<5).map { numbered($0) })
            let error = SocketError(.send, .noBufferSpace, address: peer.address)
            #expect(recorder.errors == [error, error])
            #expect(recorder.lostCount == 0 && client.writeBufferSize == 0)
            try loop.finish(client)
        }
    }

    // Pitfall 44
    @Test(arguments: LoopKind.allCases, [DatagramFamily.ipv4, .unixAbstract])
    func aDatagramWithoutRoomWaitsAndKeepsItsPlace(kind: LoopKind, family: DatagramFamily) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = Recorder()
            let peer = try RawDatagramPeer(family)
            for isConnected in [true, false] {
                let client = try loop.openEndpoint(
                    recorder,
                    at: family.address(),
                    to: isConnected ? peer.address : nil
                )
                backend.datagramSendFailures = [.resourceTemporarilyUnavailable]
                for number in 0..<5 { try client.sendTo(numbered(number), isConnected ? nil : peer.address) }
                #expect(try Self.drain(peer, loop, count: 5) == (0..<5).map { numbered($0) })
                try loop.finish(client)
            }
            #expect(recorder.errors.isEmpty)
        }
    }

    // Pitfall 21
    @Test(arguments: LoopKind.allCases)
    func whatIsOverBeforeItsCancelCounts(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = Recorder()
            let (client, peer) = try loop.connectEndpoint(recorder, .ipv4)
            let address = try #require(client.extraInfo(.socketName))
            backend.datagramSendFailures = [.resourceTemporarilyUnavailable]
            try client.sendTo([1])
            try client.sendTo([2])
            try peer.send([3], to: address)
            // In the turn that submits the first, and that knows its end and the peer's datagram already.
            try loop.callSoon { client.abort() }
            try loop.turn { recorder.lostCount == 1 && loop.openTransports.count == 0 }
            #expect(peer.receiveAll() == [[1]])
            #expect(recorder.received.isEmpty && recorder.errors.isEmpty)
            #expect(recorder.lostErrors[0] == nil)
        }
    }

    // Pitfall 26
    @Test(arguments: LoopKind.allCases)
    func aBrokenSocketIsLostOnce(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = Recorder()
            backend.failures[.receiveDatagrams] = [.connectionRefused, .badFileDescriptor]
            let (client, _) = try loop.connectEndpoint(recorder, .ipv4)
            try client.sendTo([1])
            try loop.turn { recorder.lostCount == 1 }
            let remote = client.extraInfo(.peerName)
            #expect(recorder.errors == [SocketError(.receive, .connectionRefused, address: remote)])
            let reason = SocketError(.receive, .badFileDescriptor, address: remote)
            #expect(recorder.lostErrors[0] as? SocketError == reason)
            try loop.finish(client)
            #expect(recorder.lostCount == 1)
        }
    }

    // Behaviour 32
    @Test(arguments: LoopKind.allCases)
    func everyCallbackMayCloseOrAbort(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let ends: [(any DatagramTransport) -> Void] = [{ $0.close() }, { $0.abort() }]
            for end in ends {
                let made = Recorder()
                made.onMade = { end($0) }
                _ = try loop.connectEndpoint(made)
                try loop.turn { made.lostCount == 1 }

                let receiving = Recorder()
                receiving.onDatagram = { transport, _, _ in end(transport) }
                let (first, peer) = try loop.connectEndpoint(receiving)
                let address = try #require(first.extraInfo(.socketName))
                for number in 0..<5 { try peer.send(numbered(number), to: address) }
                try loop.turn { receiving.lostCount == 1 && loop.openTransports.count == 0 }
                #expect(receiving.received == [numbered(0)])

                let failing = Recorder()
                failing.onError = end
                let (second, _) = try loop.connectEndpoint(failing, .ipv4)
                try second.sendTo(patternBytes(70_000))
                try loop.turn { failing.lostCount == 1 && loop.openTransports.count == 0 }
                #expect(failing.errors.count == 1)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aDatagramThatIsRefusedAfterItHasWaitedIsReported(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = Recorder()
            let (client, peer) = try loop.connectEndpoint(recorder, .ipv4)
            backend.datagramSendFailures = [.resourceTemporarilyUnavailable]
            backend.failures[.sendMessage] = [.noBufferSpace]
            for number in 0..<3 { try client.sendTo(numbered(number)) }
            #expect(try Self.drain(peer, loop, count: 2) == (1..<3).map { numbered($0) })
            try loop.turn { !recorder.errors.isEmpty }
            #expect(recorder.errors == [SocketError(.send, .noBufferSpace, address: peer.address)])
            try loop.finish(client)
        }
    }
}
