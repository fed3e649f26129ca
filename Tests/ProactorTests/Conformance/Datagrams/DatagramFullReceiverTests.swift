import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// A Unix receiver that reads nothing holds up nobody else, and for a second at most what it is sent.
@Suite struct DatagramFullReceiverTests {
    private typealias Recorder = RecordingDatagramProtocol

    private static func openServer(_ recorder: Recorder, _ loop: BaseEventLoop) throws
        -> any DatagramTransport
    {
        try loop.openEndpoint(recorder, at: DatagramFamily.unixAbstract.address())
    }

    private static func noRoom(_ peer: RawDatagramPeer) -> SocketError {
        SocketError(.send, .noBufferSpace, address: peer.address)
    }

    @Test(arguments: LoopKind.allCases)
    func othersAreSentToWhileOneIsFull(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let recorder = Recorder()
            let server = try Self.openServer(recorder, loop)
            let (silent, honest) = (try RawDatagramPeer(.unixAbstract), try RawDatagramPeer(.unixAbstract))
            let before = try silent.fillUp()
            for number in 0..<5 {
                try server.sendTo(numbered(number), silent.address)
                try server.sendTo(numbered(10 + number), honest.address)
            }
            try loop.turn { server.writeBufferSize == 5 * 72 }
            #expect(honest.receiveAll() == (10..<15).map { numbered($0) })
            // Also in later turns, and after vain attempts.
            for number in 5..<10 {
                try server.sendTo(numbered(number), silent.address)
                try server.sendTo(numbered(10 + number), honest.address)
                backend.advanceClock(by: .milliseconds(3))
                try loop.turn { server.writeBufferSize == (number + 1) * 72 }
                #expect(honest.receiveAll() == [numbered(10 + number)])
            }
            // What waited comes in order, as soon as there is room.
            #expect(silent.receiveAll() == before)
            var received: [[UInt8]] = []
            try loop.turn {
                backend.advanceClock(by: .milliseconds(1))
                received += silent.receiveAll()
                return received.count == 10
            }
            #expect(received == (0..<10).map { numbered($0) })
            #expect(server.writeBufferSize == 0 && recorder.errors.isEmpty)
            try loop.settle()
            #expect(loop.timers.store.earliest == nil)
            try loop.finish(server)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aReceiverThatTakesNothingIsGivenUp(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let recorder = Recorder()
            let server = try Self.openServer(recorder, loop)
            let silent = try RawDatagramPeer(.unixAbstract)
            var expected = try silent.fillUp()
            for number in 0..<3 { try server.sendTo(numbered(number), silent.address) }
            try loop.settle()
            backend.advanceClock(by: .milliseconds(999))
            try loop.settle()
            #expect(recorder.errors.isEmpty && server.writeBufferSize == 3 * 72)
            backend.advanceClock(by: .milliseconds(20))
            try loop.turn { recorder.errors.count == 3 }
            #expect(recorder.errors == Array(repeating: Self.noRoom(silent), count: 3))
            #expect(server.writeBufferSize == 0)
            // From here on what it has no room for fails at once.
            try server.sendTo(numbered(3), silent.address)
            try loop.turn { recorder.errors.count == 4 }
            #expect(loop.timers.store.earliest == nil)
            // Until it takes one again.
            #expect(silent.receive() == expected.removeFirst())
            try server.sendTo(numbered(4), silent.address)
            try server.sendTo(numbered(5), silent.address)
            try loop.turn { server.writeBufferSize == 72 }
            #expect(silent.receiveAll() == expected + [numbered(4)])
            backend.advanceClock(by: .milliseconds(1))
            try loop.turn { silent.receive() == numbered(5) }
            #expect(recorder.errors.count == 4 && recorder.lostCount == 0)
            try loop.finish(server)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aSlowReceiverIsWaitedFor(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let recorder = Recorder()
            let server = try Self.openServer(recorder, loop)
            let slow = try RawDatagramPeer(.unixAbstract)
            var expected = try slow.fillUp() + (0..<5).map { numbered($0) }
            for number in 0..<5 { try server.sendTo(numbered(number), slow.address) }
            try loop.settle()
            for left in (0..<5).reversed() {
                backend.advanceClock(by: .milliseconds(900))
                try loop.settle()
                #expect(slow.receive() == expected.removeFirst())
                backend.advanceClock(by: .milliseconds(20))
                try loop.turn { server.writeBufferSize == left * 72 }
            }
            #expect(slow.receiveAll() == expected)
            #expect(recorder.errors.isEmpty)
            try loop.finish(server)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatWaitsIsBounded(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let recorder = Recorder()
            let server = try Self.openServer(recorder, loop)
            let silent = try RawDatagramPeer(.unixAbstract)
            _ = try silent.fillUp()
            let bytes = patternBytes(10_000)
            for _ in 0..<200 { try server.sendTo(bytes, silent.address) }
            try loop.turn { !recorder.errors.isEmpty && server.writeBufferSize <= 1 << 20 }
            let kept = server.writeBufferSize / 10_008
            #expect(kept > 90)
            try loop.turn { recorder.errors.count == 200 - kept }
            // And so are those that are waited for.
            backend.datagramSendFailures = Array(repeating: .resourceTemporarilyUnavailable, count: 300)
            let before = recorder.errors.count
            for _ in 0..<300 { try server.sendTo([1], DatagramFamily.unixAbstract.address()) }
            try loop.turn { backend.datagramSendFailures.isEmpty }
            try loop.settle()
            #expect(recorder.errors.count > before + 40)
            #expect(recorder.errors.allSatisfy { $0.errno == .noBufferSpace })
            #expect(server.writeBufferSize <= 256 * 9 + kept * 10_008)
            try loop.finish(server)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aReceiverThatIsGoneIsAnErrorForEach(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let recorder = Recorder()
            let server = try Self.openServer(recorder, loop)
            var silent: RawDatagramPeer? = try RawDatagramPeer(.unixAbstract)
            let address = try #require(silent?.address)
            _ = try silent?.fillUp()
            for number in 0..<3 { try server.sendTo(numbered(number), address) }
            try loop.settle()
            silent = nil
            // A child that another test is starting may still have a copy of its socket.
            let probe = try RawDatagramPeer(.unixAbstract)
            try loop.run(until: { (try? probe.connect(to: address)) == nil }, #_sourceLocation) {
                usleep(1000)
            }
            backend.advanceClock(by: .milliseconds(2))
            try loop.turn { recorder.errors.count == 3 }
            #expect(
                recorder.errors.allSatisfy { $0 == SocketError(.send, .connectionRefused, address: address) }
            )
            #expect(server.writeBufferSize == 0)
            try loop.finish(server)
        }
    }

    // Behaviour 32
    @Test(arguments: LoopKind.allCases, [false, true])
    func closeEndsAlsoWhenNobodyReads(kind: LoopKind, isConnected: Bool) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let recorder = Recorder()
            let silent = try RawDatagramPeer(.unixAbstract)
            let server = try loop.openEndpoint(
                recorder,
                at: DatagramFamily.unixAbstract.address(),
                to: isConnected ? silent.address : nil
            )
            _ = try silent.fillUp()
            for number in 0..<3 { try server.sendTo(numbered(number), isConnected ? nil : silent.address) }
            try loop.settle()
            server.close()
            try loop.settle()
            #expect(recorder.lostCount == 0)
            backend.advanceClock(by: .milliseconds(1001))
            try loop.turn { recorder.lostCount == 1 && loop.openTransports.count == 0 }
            #expect(recorder.lostErrors[0] == nil)
            #expect(recorder.errors == Array(repeating: Self.noRoom(silent), count: 3))
            #expect(loop.timers.store.earliest == nil)
        }
    }

    // Behaviour 32
    @Test(arguments: LoopKind.allCases, [false, true])
    func closeGoesOnWhileSomethingIsTakenAndNotForEver(kind: LoopKind, isConnected: Bool) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let recorder = Recorder()
            let slow = try RawDatagramPeer(.unixAbstract)
            let server = try loop.openEndpoint(
                recorder,
                at: DatagramFamily.unixAbstract.address(),
                to: isConnected ? slow.address : nil
            )
            _ = try slow.fillUp()
            for number in 0..<50 { try server.sendTo(numbered(number), isConnected ? nil : slow.address) }
            try loop.settle()
            server.close()
            try loop.settle()
            for second in 1..<10 {
                #expect(slow.receive() != nil)
                // The time of a step, after which it has sent one.
                backend.advanceClock(by: .milliseconds(20))
                try loop.turn { server.writeBufferSize == (50 - second) * 72 }
                backend.advanceClock(by: .milliseconds(981))
                try loop.settle()
                #expect(recorder.lostCount == 0)
            }
            backend.advanceClock(by: .seconds(1))
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.errors == Array(repeating: Self.noRoom(slow), count: 41))
            try loop.finish(server)
        }
    }

    // Pitfall 24
    @Test(arguments: LoopKind.allCases)
    func whatWaitsGoesWithTheEndpoint(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            // A second without an answer would be an error of its own.
            backend.stopClock()
            let recorder = Recorder()
            let silent = try RawDatagramPeer(.unixAbstract)
            _ = try silent.fillUp()
            let server = try Self.openServer(recorder, loop)
            for number in 0..<300 { try server.sendTo(numbered(number), silent.address) }
            try loop.settle()
            try loop.finish(server)
            #expect(server.writeBufferSize == 0 && recorder.errors.isEmpty)
            // And with the loop.
            let other = try Self.openServer(Recorder(), loop)
            for number in 0..<300 { try other.sendTo(numbered(number), silent.address) }
            try loop.settle()
            try loop.close()
        }
    }
}
