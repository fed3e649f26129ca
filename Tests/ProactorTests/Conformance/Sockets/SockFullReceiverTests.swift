import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Tasks that send on one Unix socket, and a receiver that is full.
@Suite struct SockFullReceiverTests {
    private static func start(
        _ number: Int,
        _ socket: FileDescriptor,
        to peer: RawDatagramPeer,
        _ loop: BaseEventLoop
    ) -> LoopTask<Void> {
        let address = peer.address
        return loop.createTask { _ = try await loop.sockSendTo(socket, numbered(number), to: address) }
    }

    @Test(arguments: LoopKind.allCases)
    func othersAreSentToMeanwhile(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let (silent, honest) = (try RawDatagramPeer(.unixAbstract), try RawDatagramPeer(.unixAbstract))
            let before = try silent.fillUp()
            let socket = try testSocket(AF_UNIX, .datagram)
            let waiting = (0..<5).map { Self.start($0, socket, to: silent, loop) }
            try loop.settle()
            for number in 10..<13 {
                try loop.runUntilComplete(Self.start(number, socket, to: honest, loop))
                #expect(honest.receive() == numbered(number))
            }
            #expect(waiting.allSatisfy { !$0.done })
            // One that does not wait any more takes nothing from the others.
            waiting[2].cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(waiting[2]) }
            waiting[0].cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(waiting[0]) }
            #expect(silent.receiveAll() == before)
            var received: [[UInt8]] = []
            try loop.turn {
                backend.advanceClock(by: .milliseconds(1))
                received += silent.receiveAll()
                return received.count == 3
            }
            // First come, first served.
            #expect(received == [1, 3, 4].map { numbered($0) })
            for number in [1, 3, 4] { try loop.runUntilComplete(waiting[number]) }
            #expect(loop.receiverLines.isEmpty)
            try socket.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aReceiverThatTakesNothingIsAnError(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let silent = try RawDatagramPeer(.unixAbstract)
            var expected = try silent.fillUp()
            let socket = try testSocket(AF_UNIX, .datagram)
            let first = (0..<3).map { Self.start($0, socket, to: silent, loop) }
            try loop.settle()
            backend.advanceClock(by: .milliseconds(900))
            try loop.settle()
            #expect(silent.receive() == expected.removeFirst())
            backend.advanceClock(by: .milliseconds(20))
            try loop.runUntilComplete(first[0])
            try loop.settle()
            // It has taken one: the others go on waiting.
            backend.advanceClock(by: .milliseconds(900))
            try loop.settle()
            #expect(!first[1].done && !first[2].done)
            backend.advanceClock(by: .milliseconds(120))
            for task in first.dropFirst() {
                let error = #expect(throws: SocketError.self) { try loop.runUntilComplete(task) }
                #expect(error == SocketError(.send, .noBufferSpace, address: silent.address))
            }
            #expect(loop.receiverLines.isEmpty)
            #expect(silent.receiveAll() == expected + [numbered(0)])
            try socket.close()
        }
    }
}
