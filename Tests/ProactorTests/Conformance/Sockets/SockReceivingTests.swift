import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// How bytes are received.
enum ReceiveForm: CaseIterable, Sendable {
    case array
    /// By a closure that they are lent to.
    case lent

    nonisolated(nonsending) func receive(
        _ loop: BaseEventLoop,
        _ socket: FileDescriptor,
        upTo count: Int
    ) async throws -> [UInt8] {
        switch self {
        case .array: try await loop.sockRecv(socket, upTo: count)
        case .lent: try await loop.sockRecv(socket, upTo: count) { $0.withUnsafeBytes { Array($0) } }
        }
    }
}

@Suite struct SockReceivingTests {
    @Test(arguments: SocketCase.all, ReceiveForm.allCases)
    func whatHasComeIsReceived(flavour: SocketCase, form: ReceiveForm) async throws {
        try await flavour.kind.withLoop { loop in
            let pair = try flavour.pair()
            let peer = RawPeer(pair.second)
            try loop.run {
                peer.write("hello")
                #expect(try await form.receive(loop, pair.first, upTo: 3) == Array("hel".utf8))
                #expect(try await form.receive(loop, pair.first, upTo: 100) == Array("lo".utf8))
                // Nothing is there now.
                try loop.callSoon { peer.write("again") }
                #expect(try await form.receive(loop, pair.first, upTo: 100) == Array("again".utf8))
                peer.finish()
                #expect(try await form.receive(loop, pair.first, upTo: 100).isEmpty)
            }
            #expect(flavour.isNonBlocking(pair.first) == flavour.nonBlocking)
            try pair.first.close()
        }
    }

    /// A ring tries before it waits when it has much to do: messages that have come by then, and those that come later.
    @Test(arguments: LoopKind.allCases, ReceiveForm.allCases)
    func manyReceiveInTurnsThatBringMuch(kind: LoopKind, form: ReceiveForm) async throws {
        let (connections, rounds) = (32, 10)
        try await kind.withLoop { loop in
            let pairs = try (0..<connections).map { _ in try SocketPair(.unix) }
            let ends = try loop.run {
                let tasks = pairs.flatMap { pair in
                    [(pair.first, true), (pair.second, false)].map { socket, begins in
                        loop.createTask {
                            var last: [UInt8] = []
                            if begins { try await loop.sockSendAll(socket, [0]) }
                            for _ in 0..<rounds {
                                last = try await form.receive(loop, socket, upTo: 16)
                                try await loop.sockSendAll(socket, last.map { $0 + 1 })
                            }
                            return last
                        }
                    }
                }
                return try await gather(tasks)
            }
            // Both have counted in turn, and the second end has seen the even numbers.
            let lastSeen = UInt8(2 * rounds - 1)
            #expect(ends == pairs.flatMap { _ in [[lastSeen], [lastSeen - 1]] })
            for pair in pairs { try pair.close() }
        }
    }

    @Test(arguments: SocketCase.all)
    func memoryOfTheCallersIsFilled(flavour: SocketCase) async throws {
        try await flavour.kind.withLoop { loop in
            let pair = try flavour.pair()
            let peer = RawPeer(pair.second)
            try loop.run {
                var buffer = OwnedBuffer(capacity: 8)
                buffer.append("> ")
                try loop.callSoon { peer.write("hello, world") }
                #expect(try await loop.sockRecvInto(pair.first, &buffer) == 6)
                #expect(buffer.withBytes { $0.withUnsafeBytes { Array($0) } } == Array("> hello,".utf8))

                var bytes = [UInt8](repeating: 0, count: 4)
                var span = bytes.mutableSpan
                var memory = span.mutableBytes
                #expect(try await loop.sockRecvInto(pair.first, &memory) == 4)
                #expect(bytes == Array(" wor".utf8))
                #expect(try await loop.sockRecv(pair.first, upTo: 4) == Array("ld".utf8))
            }
            try pair.first.close()
        }
    }

    private static let messageSizes = [60_000, 9_000, 30_000, 1, 64_000, 0, 40_000, 8_193, 60_000, 20_000]

    /// A message that finds less room than it needs loses the rest: the loop's own buffers must not make it do so.
    @Test(arguments: SocketCase.all, [Int32(SOCK_DGRAM.rawValue), Int32(SOCK_SEQPACKET.rawValue)])
    func messagesAreReceivedWhole(flavour: SocketCase, type: Int32) async throws {
        try await flavour.kind.withLoop { loop in
            var pair: [Int32] = [-1, -1]
            try checkCall(socketpair(AF_UNIX, type | Int32(SOCK_CLOEXEC.rawValue), 0, &pair))
            let (socket, peer) = (FileDescriptor(rawValue: pair[0]), FileDescriptor(rawValue: pair[1]))
            try flavour.set(socket)
            try loop.run {
                for form in ReceiveForm.allCases {
                    for (number, size) in Self.messageSizes.enumerated() {
                        let message = patternBytes(size, seed: number)
                        let send = { _ = Glibc.send(peer.rawValue, message, message.count, 0) }
                        // There before the call, and coming while it waits.
                        if number % 2 == 0 { send() } else { try loop.callSoon(send) }
                        #expect(try await form.receive(loop, socket, upTo: 65_536) == message, "\(form)")
                    }
                }
            }
            try socket.close()
            try peer.close()
        }
    }

    // Pitfall 42
    @Test(arguments: SocketCase.all)
    func noPartOfAMessageIsTakenForTheWholeWhereAStreamWasBefore(flavour: SocketCase) async throws {
        try await flavour.kind.withLoop { loop in
            let old = try flavour.pair()
            var pair: [Int32] = [-1, -1]
            try checkCall(socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair))
            let peer = pair[1]
            RawPeer(old.second).write("stream")
            try loop.run {
                _ = try await loop.sockRecv(old.first, upTo: 100)
                try checkCall(dup2(pair[0], old.first.rawValue))
                try flavour.set(old.first)
                var lost = 0
                for (number, size) in Self.messageSizes.enumerated() where size > 0 {
                    let message = patternBytes(size, seed: number)
                    _ = Glibc.send(peer, message, message.count, 0)
                    do {
                        #expect(try await loop.sockRecv(old.first, upTo: 65_536) == message)
                    } catch let error as SocketError {
                        #expect(error.errno == .messageTooLong)
                        lost += 1
                    }
                }
                // After the first it is known.
                #expect(lost <= 1)
            }
            try old.first.close()
            for descriptor in pair { try FileDescriptor(rawValue: descriptor).close() }
        }
    }

    // Pitfall 42
    @Test(arguments: SocketCase.all)
    func aSocketAtTheNumberOfAnotherIsReceivedFrom(flavour: SocketCase) async throws {
        try await flavour.kind.withLoop { loop in
            let (old, new) = (try flavour.pair(), try flavour.pair())
            let (oldPeer, newPeer) = (RawPeer(old.second), RawPeer(new.second))
            try loop.run {
                try loop.callSoon { oldPeer.write("old") }
                #expect(try await loop.sockRecv(old.first, upTo: 100) == Array("old".utf8))
                // Closed and made anew in one step, and past the loop.
                try checkCall(dup2(new.first.rawValue, old.first.rawValue))
                try loop.callSoon { newPeer.write("new") }
                #expect(try await loop.sockRecv(old.first, upTo: 100) == Array("new".utf8))
            }
            try old.first.close()
            try new.first.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func twoReceiversTakeTurns(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            let tasks = (0..<3).map { _ in
                loop.createTask { try await loop.sockRecv(pair.first, upTo: 1) }
            }
            try loop.turnUntilWaiting()
            // The one in the middle gives up its place.
            tasks[1].cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(tasks[1]) }
            #expect(loop.descriptors.waitingCount == 1)
            peer.write("ab")
            #expect(try loop.runUntilComplete(tasks[0]) == Array("a".utf8))
            #expect(try loop.runUntilComplete(tasks[2]) == Array("b".utf8))
            try pair.first.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatCannotBeReceivedFromIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.tcp)
            let peer = RawPeer(pair.second)
            try loop.run {
                await expectInvalid("room for at least one byte") {
                    try await loop.sockRecv(pair.first, upTo: 0)
                }
                await expectInvalid("room for at least one byte") {
                    var full = OwnedBuffer([1])
                    return try await loop.sockRecvInto(pair.first, &full)
                }
                let none = FileDescriptor(rawValue: -1)
                let error = await expectError(SocketError.self) { try await loop.sockRecv(none, upTo: 1) }
                #expect(error == SocketError(.receive, .badFileDescriptor))
                peer.reset()
                let reset = await expectError(SocketError.self) {
                    try await loop.sockRecv(pair.first, upTo: 1)
                }
                #expect(reset?.operation == .receive)
                #expect(reset?.errno == .connectionReset)
            }
            try pair.first.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTransportsSocketIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol())
            let socket = try #require(transport.extraInfo(.socket)).descriptor
            try loop.run {
                for call in [
                    { _ = try await loop.sockRecv(socket, upTo: 1) },
                    { try await loop.sockSendAll(socket, "no") },
                    { _ = try await loop.sockAccept(socket) },
                ] as [nonisolated(nonsending) () async throws -> Void] {
                    let error = await expectError(EventLoopError.self, call)
                    guard case .invalidState(let reason) = error else {
                        Issue.record("\(String(describing: error))")
                        continue
                    }
                    #expect(reason.contains("belongs to a transport"))
                }
                let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Witness() }
                let listener = try #require(server.sockets.first).descriptor
                let error = await expectError(EventLoopError.self) { try await loop.sockAccept(listener) }
                #expect(error != nil)
                server.close()
            }
            try loop.finish(transport, peer)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aSocketIsFreeAgainAfterItsTransport(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol())
            let number = try #require(transport.extraInfo(.socket)).descriptor.rawValue
            try loop.finish(transport, peer)
            let pair = try SocketPair(.unix)
            // Far from numbers that others are given meanwhile, so as far as this loop knows it is the one.
            loop.own(FileDescriptor(rawValue: 5000))
            loop.disown(FileDescriptor(rawValue: 5000))
            try loop.descriptors.checkFree(FileDescriptor(rawValue: 5000))
            try loop.descriptors.checkFree(FileDescriptor(rawValue: number))
            try pair.close()
        }
    }

    // Pitfall 15
    @Test(arguments: LoopKind.allCases)
    func aCallWhoseSocketIsSomebodyElsesByNowEnds(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            let tasks = (0..<2).map { _ in
                loop.createTask { try await loop.sockRecv(pair.first, upTo: 1) }
            }
            try loop.turnUntilWaiting()
            // As when the socket was closed under the calls, and its number given to a connection.
            loop.own(pair.first)
            for task in tasks {
                #expect(throws: (any Error).self) { try loop.runUntilComplete(task) }
            }
            loop.disown(pair.first)
            peer.write("x")
            #expect(try loop.run { try await loop.sockRecv(pair.first, upTo: 1) } == Array("x".utf8))
            try pair.first.close()
        }
    }
}
