import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Connections, listeners and calls on sockets that are ready for ever and bring nothing: the loop waits all the same.
@Suite struct ErrorQueueTests {
    @Test(arguments: LoopKind.allCases)
    func aConnectionThatWaitsForRoomIsIdle(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder, over: .tcp)
            try ErrorQueue.askForTimes(try transport.testDescriptor)
            transport.pauseReading()
            let content = patternBytes(8 << 20)
            transport.write(content)
            try loop.expectIdle(backend)
            #expect(transport.writeBufferSize > 0)
            try loop.turn(until: {
                peer.read()
                return peer.received.count == content.count
            })
            #expect(peer.received == content)
            try loop.finish(transport, peer)
        }
    }

    @Test(arguments: LoopKind.allCases, [false, true])
    func aConnectionThatReceivesIsIdle(kind: LoopKind, isBuffered: Bool) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = RecordingProtocol()
            let buffered = RecordingBufferedProtocol()
            let (transport, peer) =
                isBuffered ? try loop.connect(buffered, over: .tcp) : try loop.connect(recorder, over: .tcp)
            try ErrorQueue.askForTimes(try transport.testDescriptor)
            for _ in 0..<3 {
                transport.write("x")
                try loop.settle()
            }
            try loop.expectIdle(backend)
            peer.write("answer")
            try loop.turn(until: { recorder.text + buffered.text == "answer" })
            #expect(!transport.isClosing)
            try loop.finish(transport, peer)
        }
    }

    /// The kernel gives up on a receive that errors in the queue wake, and makes it on another thread. What others receive
    /// meanwhile, and what it receives in the end, is what was sent.
    @Test(arguments: LoopKind.allCases, [10, 65_536])
    func aReceiveThatTheQueueWakesHarmsNoOther(kind: LoopKind, maxCount: Int) async throws {
        try await kind.withLoop { loop in
            let (noted, other) = (try SocketPair(.tcp), try SocketPair(.tcp))
            try ErrorQueue.askForTimes(noted.first)
            try loop.run {
                try await loop.sockSendAll(noted.first, "x")
                #expect(try await loop.sockRecv(noted.second, upTo: 10).count == 1)
                while !ErrorQueue.isFilled(noted.first) { await Task.yield() }
                let receiving = loop.createTask { try await loop.sockRecv(noted.first, upTo: maxCount) }
                for number in 0..<400 {
                    let content = (0..<1000).map { UInt8(truncatingIfNeeded: number + $0) }
                    try await loop.sockSendAll(other.first, content)
                    var received: [UInt8] = []
                    while received.count < content.count {
                        received += try await loop.sockRecv(other.second, upTo: 1 << 16)
                    }
                    guard received == content else {
                        Issue.record("round \(number) brought other bytes than were sent")
                        break
                    }
                }
                #expect(!receiving.done)
                try await loop.sockSendAll(noted.second, "answer")
                #expect(try await receiving.value() == Array("answer".utf8))
            }
            for socket in [noted.first, noted.second, other.first, other.second] { try socket.close() }
        }
    }

    /// A pipe's transport on a socket waits for its reader to go: errors in the queue are not that.
    @Test(arguments: LoopKind.allCases)
    func notesAreNoHangUp(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let pair = try SocketPair(.tcp)
            let peer = RawPeer(pair.second)
            try ErrorQueue.askForTimes(pair.first)
            let recorder = RecordingProtocol()
            let transport = try loop.run {
                try await loop.connectWritePipe(pair.first) { recorder }.transport
            }
            transport.write([1, 2, 3])
            try loop.expectIdle(backend)
            #expect(recorder.lostCount == 0)
            peer.reset()
            try loop.turn(until: { recorder.lostCount == 1 })
            try loop.turnUntilClosed(transport)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aListenerWhoseReadingSideIsShutIsIdle(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let options = ServerOptions(.unix(DatagramFamily.unixAbstract.address()))
            let server = try loop.serve(options) { RecordingProtocol() }
            try loop.settle()
            try checkCall(shutdown(server.sockets[0].descriptor.rawValue, Int32(SHUT_RD)))
            loop.setExceptionHandler { _, _ in }
            try loop.expectIdle(backend)
            server.close()
            try loop.settle()
        }
    }

    // MARK: - Calls on the program's own sockets

    /// The queue of such a socket is the program's: nothing is taken from it.
    @Test(arguments: SocketCase.all, [false, true])
    func aReceiveLeavesTheProgramItsNotes(flavour: SocketCase, intoBuffer: Bool) async throws {
        try await flavour.kind.withFaultyLoop { loop, backend in
            let pair = try flavour.pair(.tcp)
            let peer = RawPeer(pair.second)
            try ErrorQueue.askForTimes(pair.first)
            try checkCall(Int32(send(pair.first.rawValue, "x", 1, 0)))
            let receiver = loop.createTask {
                guard intoBuffer else { return try await loop.sockRecv(pair.first, upTo: 100) }
                var buffer = OwnedBuffer(capacity: 100)
                _ = try await loop.sockRecvInto(pair.first, &buffer)
                return buffer.withBytes { $0.withUnsafeBytes { Array($0) } }
            }
            try loop.turnUntilWaiting()
            try loop.expectIdle(backend)
            peer.write("answer")
            #expect(try loop.runUntilComplete(receiver) == Array("answer".utf8))
            #expect(ErrorQueue.take(pair.first))
            try pair.first.close()
        }
    }

    // Behaviour 25
    @Test(arguments: SocketCase.all)
    func aReceiveFromASocketThatIsReadyInVainCanBeCancelled(flavour: SocketCase) async throws {
        try await flavour.kind.withLoop { loop in
            let pair = try flavour.pair(.tcp)
            let peer = RawPeer(pair.second)
            // Another connection shares what the loop receives into.
            let recorder = RecordingProtocol()
            let (transport, other) = try loop.connect(recorder, over: .tcp)
            let content = patternBytes(20 * 301)
            try ErrorQueue.askForTimes(pair.first)
            try checkCall(Int32(send(pair.first.rawValue, "x", 1, 0)))
            for round in 0..<20 {
                let receiver = loop.createTask { try await loop.sockRecv(pair.first, upTo: 100) }
                for _ in 0..<(round % 7) { try loop.turn() }
                receiver.cancel()
                #expect(throws: CancellationError.self) { try loop.runUntilComplete(receiver) }
                other.write(Array(content[(round * 301)..<((round + 1) * 301)]))
                try loop.turn(until: { recorder.received.count == (round + 1) * 301 })
            }
            #expect(recorder.received == content)
            let receiver = loop.createTask { try await loop.sockRecv(pair.first, upTo: 100) }
            try loop.settle()
            peer.write("answer")
            #expect(try loop.runUntilComplete(receiver) == Array("answer".utf8))
            other.write("more")
            try loop.turn(until: { recorder.received.count == content.count + 4 })
            #expect(recorder.received.suffix(4) == Array("more".utf8))
            try loop.finish(transport, other)
            try pair.first.close()
        }
    }

    @Test(arguments: SocketCase.all)
    func aSendThatWaitsForRoomIsIdle(flavour: SocketCase) async throws {
        try await flavour.kind.withFaultyLoop { loop, backend in
            let pair = try flavour.pair(.tcp)
            let peer = RawPeer(pair.second)
            try ErrorQueue.askForTimes(pair.first)
            let content = patternBytes(8 << 20)
            let sender = loop.createTask { try await loop.sockSendAll(pair.first, content) }
            try loop.turnUntilWaiting()
            try loop.expectIdle(backend)
            try loop.turn(until: {
                peer.read()
                return peer.received.count == content.count
            })
            #expect(peer.received == content)
            try loop.runUntilComplete(sender)
            #expect(ErrorQueue.take(pair.first))
            try pair.first.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aReceiveOfDatagramsTellsTheErrorOnceAndWaits(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let socket = try testSocket(AF_INET, .datagram)
            let port = try SocketPair.bindToLoopback(socket.rawValue)
            let address = SocketAddress.ipv4(.loopback, port: port)
            try ErrorQueue.askForErrors(socket)
            let dead = try ErrorQueue.refusingAddress(.ipv4)
            _ = try loop.run { try await loop.sockSendTo(socket, [1], to: dead.address) }
            let refused = loop.createTask { try await loop.sockRecvFrom(socket, upTo: 100) }
            #expect {
                try loop.runUntilComplete(refused)
            } throws: {
                ($0 as? SocketError)?.errno == .connectionRefused
            }
            let receiver = loop.createTask { try await loop.sockRecvFrom(socket, upTo: 100).bytes }
            try loop.turnUntilWaiting()
            try loop.expectIdle(backend)
            let peer = try RawDatagramPeer(.ipv4)
            try peer.send([7], to: address)
            #expect(try loop.runUntilComplete(receiver) == [7])
            #expect(ErrorQueue.take(socket))
            try socket.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anAcceptThatRestsCanBeCancelled(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let listener = try testSocket(AF_UNIX)
            let address = DatagramFamily.unixAbstract.address()
            try checkCall(try address.withKernelForm { bind(listener.rawValue, $0, $1) })
            try checkCall(listen(listener.rawValue, 5))
            let accepting = loop.createTask { try await loop.sockAccept(listener) }
            try loop.turnUntilWaiting()
            try checkCall(shutdown(listener.rawValue, Int32(SHUT_RD)))
            try loop.expectIdle(backend)
            accepting.cancel()
            // Some kernels' rings end it by an error of their own.
            #expect(throws: (any Error).self) { try loop.runUntilComplete(accepting) }
            try loop.turn(until: { backend.operationCount == 0 })
            try listener.close()
        }
    }

    /// A level-triggered reader is called for as long as there is something: the queue is the program's to read.
    @Test(arguments: LoopKind.allCases)
    func aReaderIsCalledUntilTheQueueIsRead(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.tcp)
            try ErrorQueue.askForTimes(pair.first)
            try checkCall(Int32(send(pair.first.rawValue, "x", 1, 0)))
            var calls = 0
            try loop.addReader(pair.first) {
                calls += 1
                if calls == 20 { while ErrorQueue.take(pair.first) {} }
            }
            try loop.turn(until: { calls == 20 })
            try loop.settle()
            #expect(calls == 20)
            try loop.removeReader(pair.first)
            try pair.close()
        }
    }
}
