import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct SockSendingTests {
    // Behaviour 23
    // Pitfall 34
    @Test(arguments: SocketCase.all, [SocketPair.Kind.unix, .tcp])
    func largeContentIsMovedWhole(flavour: SocketCase, pairKind: SocketPair.Kind) async throws {
        try await flavour.kind.withLoop { loop in
            let pair = try flavour.pair(pairKind)
            let content = patternBytes(3_000_001)
            let sender = loop.createTask {
                try await loop.sockSendAll(pair.second, content)
                try checkCall(shutdown(pair.second.rawValue, Int32(SHUT_WR)))
            }
            let received = try loop.run {
                var received: [UInt8] = []
                while true {
                    let bytes = try await loop.sockRecv(pair.first, upTo: 1 << 20)
                    if bytes.isEmpty { return received }
                    received += bytes
                }
            }
            #expect(received == content)
            try loop.runUntilComplete(sender)
            try pair.close()
        }
    }

    // Behaviour 23
    // Pitfall 34
    @Test(arguments: LoopKind.allCases)
    func shortSendsGoOn(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.sendLimit = 999
            let pair = try SocketPair(.unix)
            let content = patternBytes(100_000, seed: 1)
            let sender = loop.createTask {
                var buffer = OwnedBuffer(capacity: content.count)
                buffer.append(content)
                try await loop.sockSendAll(pair.second, buffer)
                return buffer.count
            }
            let received = try loop.run {
                var buffer = OwnedBuffer(capacity: content.count)
                while buffer.room > 0 { _ = try await loop.sockRecvInto(pair.first, &buffer) }
                return buffer.withBytes { $0.withUnsafeBytes { Array($0) } }
            }
            #expect(received == content)
            #expect(try loop.runUntilComplete(sender) == content.count)
            try pair.close()
        }
    }

    // Pitfall 35
    @Test(arguments: LoopKind.allCases)
    func messagesOfSeveralTasksDoNotMix(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let messages = (0..<4).map { [UInt8](repeating: UInt8($0), count: 300_000) }
            let tasks = messages.map { message in
                loop.createTask { try await loop.sockSendAll(pair.second, message) }
            }
            let total = messages.reduce(0) { $0 + $1.count }
            let received = try loop.run {
                var received: [UInt8] = []
                while received.count < total { received += try await loop.sockRecv(pair.first, upTo: 65_536) }
                return received
            }
            #expect(received == messages.reduce(into: []) { $0 += $1 })
            for task in tasks { try loop.runUntilComplete(task) }
            try pair.close()
        }
    }

    @Test(arguments: SocketCase.all)
    func aPeerThatDoesNotReadHoldsUpItsTaskOnly(flavour: SocketCase) async throws {
        try await flavour.kind.withLoop { loop in
            let pair = try flavour.pair()
            let sender = loop.createTask {
                try await loop.sockSendAll(pair.second, [UInt8](repeating: 7, count: 4 << 20))
            }
            try loop.turnUntilWaiting()
            #expect(try loop.run { 42 } == 42)
            #expect(!sender.done)
            sender.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(sender) }
            #expect(flavour.isNonBlocking(pair.second) == flavour.nonBlocking)
            try pair.close()
        }
    }

    @Test(arguments: SocketCase.all)
    func aPeerThatStoppedSendingAndReadsLateGetsAll(flavour: SocketCase) async throws {
        try await flavour.kind.withLoop { loop in
            let pair = try flavour.pair()
            let peer = RawPeer(pair.second)
            peer.finish()
            let content = patternBytes(1_000_001)
            let sender = loop.createTask { try await loop.sockSendAll(pair.first, content) }
            try loop.turnUntilWaiting()
            // A loop that waits makes no turns.
            let before = loop.turnNumber
            try loop.callLater(.milliseconds(20)) { loop.stop() }
            try loop.runForever()
            #expect(loop.turnNumber - before < 50, "the loop did not rest")
            #expect(!sender.done)
            try loop.rest {
                peer.read()
                return sender.done && peer.received.count >= content.count
            }
            try loop.runUntilComplete(sender)
            #expect(peer.received == content)
            try pair.first.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTaskThatOnlySendsLetsTheOthersRun(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            var hasRun = false
            try loop.run {
                try loop.callSoon { hasRun = true }
                let start = loop.turnNumber
                for _ in 0..<40 {
                    try await loop.sockSendAll(pair.first, "x")
                    peer.read()
                }
                #expect(loop.turnNumber != start)
            }
            #expect(hasRun)
            #expect(peer.received.count == 40)
            try pair.first.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theKindOfSocketIsAskedForOnlyWhenThereIsNoRoom(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            var sent = 0
            let task = loop.createTask {
                while true {
                    try await loop.sockSendAll(pair.first, patternBytes(4000, seed: sent))
                    sent += 1
                }
            }
            try loop.turn(until: { sent > 10 })
            // Whether it is a socket at all is asked for once.
            #expect(backend.optionCount == 1)
            var before = -1
            while sent != before {
                before = sent
                try loop.settle()
            }
            #expect(backend.optionCount == 2)
            try loop.turn(until: {
                peer.read()
                return sent > before + 10
            })
            task.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            peer.read()
            let whole = (0..<sent).flatMap { patternBytes(4000, seed: $0) }
            #expect(peer.received.starts(with: whole))
            try pair.first.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aPeerThatIsGoneIsAnError(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            try pair.second.close()
            #expect(seesHangUp(pair.first))
            try loop.run {
                for content in [[UInt8](repeating: 1, count: 10), [UInt8](repeating: 1, count: 100_000)] {
                    let error = await expectError(SocketError.self) {
                        try await loop.sockSendAll(pair.first, content)
                    }
                    #expect(error?.operation == .send)
                    #expect(error?.errno == .brokenPipe)
                }
                // Nothing is nothing to send.
                try await loop.sockSendAll(pair.first, "")
            }
            try pair.first.close()
        }
    }

    // The kernel tells it to one call only, whatever is tried first.
    @Test(arguments: SocketCase.all, [10, 100_000])
    func aResetIsToldToTheSendThatFindsIt(flavour: SocketCase, size: Int) async throws {
        try await flavour.kind.withLoop { loop in
            let pair = try flavour.pair(.tcp)
            RawPeer(pair.second).reset()
            try loop.run {
                let content = [UInt8](repeating: 1, count: size)
                for errno in [Errno.connectionReset, .brokenPipe] {
                    let error = await expectError(SocketError.self) {
                        try await loop.sockSendAll(pair.first, content)
                    }
                    #expect(error?.errno == errno)
                }
            }
            try pair.first.close()
        }
    }

    // Behaviour 35
    @Test(arguments: SocketCase.all, [10, 20_000])
    func aRefusedDatagramIsToldToTheNextSend(flavour: SocketCase, size: Int) async throws {
        try await flavour.kind.withLoop { loop in
            // Taken, so that nobody else gets the port, and connected to itself, so that it lets nothing in.
            let deaf = try RawDatagramPeer(.ipv4)
            try deaf.connect(to: deaf.address)
            let socket = try testSocket(AF_INET, .datagram)
            try flavour.set(socket)
            try checkCall(try deaf.address.withKernelForm { Glibc.connect(socket.rawValue, $0, $1) })
            try loop.run {
                let content = [UInt8](repeating: 1, count: size)
                try await loop.sockSendAll(socket, content)
                let error = await expectError(SocketError.self) {
                    try await loop.sockSendAll(socket, content)
                }
                #expect(error?.errno == .connectionRefused)
            }
            try socket.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func everyFormOfDataIsSent(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            try loop.run {
                try await loop.sockSendAll(pair.first, "text, ")
                try await loop.sockSendAll(pair.first, Array("bytes, ".utf8))
                try await loop.sockSendAll(pair.first, Array("a span, ".utf8).span.bytes)
                try await loop.sockSendAll(pair.first, OwnedBuffer(Array("a buffer".utf8)))
            }
            peer.read()
            #expect(peer.text == "text, bytes, a span, a buffer")
            try pair.first.close()
        }
    }

    // MARK: - Datagrams

    @Test(arguments: SocketCase.all)
    func datagramsKeepTheirBoundsAndTheirSender(flavour: SocketCase) async throws {
        try await flavour.kind.withLoop { loop in
            let receiver = try testSocket(AF_INET, .datagram)
            let sender = try testSocket(AF_INET, .datagram)
            try flavour.set(receiver)
            try flavour.set(sender)
            let here = SocketAddress.ipv4(
                .loopback,
                port: try SocketPair.bindToLoopback(receiver.rawValue)
            )
            let there = SocketAddress.ipv4(.loopback, port: try SocketPair.bindToLoopback(sender.rawValue))
            try loop.run {
                try loop.callSoon {
                    loop.createTask { try await loop.sockSendTo(sender, "first", to: here) }
                }
                let first = try await loop.sockRecvFrom(receiver, upTo: 100)
                #expect(first.bytes == Array("first".utf8))
                #expect(first.address == there)
                #expect(try await loop.sockSendTo(sender, "", to: here) == 0)
                #expect(try await loop.sockSendTo(sender, "too long", to: here) == 8)
                let empty = try await loop.sockRecvFrom(receiver, upTo: 100)
                #expect(empty.bytes.isEmpty && empty.address == there)

                var bytes = [UInt8](repeating: 0, count: 3)
                var span = bytes.mutableSpan
                var memory = span.mutableBytes
                let cut = try await loop.sockRecvFromInto(receiver, &memory)
                #expect(cut.count == 3 && cut.address == there)
                #expect(bytes == Array("too".utf8))

                try await loop.sockSendTo(sender, [1, 2, 3], to: here)
                var buffer = OwnedBuffer(capacity: 10)
                let last = try await loop.sockRecvFromInto(receiver, &buffer)
                #expect(last.count == 3 && last.address == there && buffer.count == 3)
            }
            try receiver.close()
            try sender.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aStreamHasNoSender(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.tcp)
            try loop.run {
                try await loop.sockSendAll(pair.second, "x")
                let received = try await loop.sockRecvFrom(pair.first, upTo: 10)
                #expect(received.bytes == Array("x".utf8))
                #expect(received.address == nil)
                let error = await expectError(SocketError.self) {
                    try await loop.sockSendTo(pair.first, "x", to: .unix(path: ""))
                }
                #expect(error == SocketError(.send, .invalidArgument, address: .unix(path: "")))
            }
            try pair.close()
        }
    }
}
