import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct DatagramTrafficTests {
    @Test(arguments: LoopKind.allCases, DatagramFamily.allCases)
    func datagramsGoThereAndBack(kind: LoopKind, family: DatagramFamily) async throws {
        try await kind.withLoop { loop in
            let echo = RecordingDatagramProtocol.echo()
            let server = try loop.openEndpoint(echo, at: family.address())
            let address = try #require(server.extraInfo(.socketName))
            let recorder = RecordingDatagramProtocol()
            let local = address.family == .unix ? family.address() : nil
            let client = try loop.openEndpoint(recorder, at: local, to: address)
            for number in 0..<5 { try client.sendTo(numbered(number, size: 10 + 300 * number)) }
            try loop.turn { recorder.received.count == 5 }
            #expect(recorder.received == (0..<5).map { numbered($0, size: 10 + 300 * $0) })
            #expect(recorder.sources == Array(repeating: address, count: 5))
            let clientAddress = try #require(client.extraInfo(.socketName))
            #expect(echo.sources == Array(repeating: clientAddress, count: 5))
            #expect(recorder.errors.isEmpty && echo.errors.isEmpty)
            try loop.finish(client, server)
            if case .unix(let path) = address { unlink(path) }
            if case .unix(let path) = clientAddress { unlink(path) }
        }
    }

    // Behaviour 35
    @Test(arguments: LoopKind.everywhere)
    func orderIsKept(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingDatagramProtocol()
            let server = try loop.openEndpoint(recorder, at: .ipv4(.loopback, port: 0))
            let address = try #require(server.extraInfo(.socketName))
            let client = try loop.openEndpoint(RecordingDatagramProtocol(), at: .ipv4(.loopback, port: 0))
            // Twenty at a time: the receiver's buffer is not to overflow.
            var sent: [[UInt8]] = []
            for _ in 0..<20 {
                for _ in 0..<20 {
                    sent.append(numbered(sent.count))
                    try client.sendTo(sent[sent.count - 1], address)
                }
                try loop.turn { recorder.received.count == sent.count }
            }
            #expect(recorder.received == sent)
            try loop.finish(client, server)
        }
    }

    // Pitfall 28
    // Pitfall 29
    @Test(arguments: LoopKind.allCases)
    func moreDatagramsThanBuffersArriveInOrder(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingDatagramProtocol()
            let server = try loop.openEndpoint(recorder, at: .ipv4(.loopback, port: 0))
            let address = try #require(server.extraInfo(.socketName))
            let peer = try RawDatagramPeer(.ipv4)
            for round in 0..<3 {
                // As many as a socket's buffer holds; the ring has fewer buffers.
                for number in 0..<150 { try peer.send(numbered(round * 150 + number), to: address) }
                try loop.turn { recorder.received.count == (round + 1) * 150 }
            }
            #expect(recorder.received == (0..<450).map { numbered($0) })
            try loop.finish(server)
        }
    }

    // Behaviour 35
    @Test(arguments: LoopKind.allCases)
    func aRefusalIsReportedAndTheEndpointGoesOn(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingDatagramProtocol()
            let (client, peer) = try loop.connectEndpoint(recorder, .ipv4)
            try peer.connect(to: .ipv4(.loopback, port: 9))
            try client.sendTo([1])
            try loop.turn { !recorder.errors.isEmpty }
            #expect(recorder.errors.map(\.errno) == [.connectionRefused])
            #expect(recorder.errors[0].address == peer.address)
            #expect(recorder.lostCount == 0)
            // The protocol may send in the callback, and may have to hear of it again.
            recorder.onError = { transport in
                if recorder.errors.count < 3 { try? transport.sendTo([2]) }
            }
            try client.sendTo([2])
            try loop.turn { recorder.errors.count == 3 }
            // Now it lets this one in.
            try peer.connect(to: #require(client.extraInfo(.socketName)))
            try client.sendTo([3])
            var received: [UInt8]?
            try loop.turn {
                received = peer.receive()
                return received != nil
            }
            #expect(received == [3])
            let address = try #require(client.extraInfo(.socketName))
            try peer.send([4], to: address)
            try loop.turn { recorder.received == [[4]] }
            try loop.finish(client)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aShortageOfMemoryIsReportedAndTheEndpointGoesOn(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            backend.failures[.receiveDatagrams] = [.noMemory, .noMemory]
            let recorder = RecordingDatagramProtocol()
            let (client, peer) = try loop.connectEndpoint(recorder, .ipv4)
            let address = try #require(client.extraInfo(.socketName))
            try peer.send([1], to: address)
            for failed in 1...2 {
                try loop.turn { recorder.errors.count == failed }
                // It is left alone for a while.
                #expect(loop.timers.count == 1)
                backend.advanceClock(by: .milliseconds(100))
            }
            try loop.turn { recorder.received == [[1]] }
            #expect(recorder.errors.map(\.errno) == [.noMemory, .noMemory])
            #expect(recorder.lostCount == 0)
            try loop.finish(client)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anEndpointCanBeClosedInAShortageOfMemory(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.failures[.receiveDatagrams] = [.noMemory]
            let recorder = RecordingDatagramProtocol()
            let (client, _) = try loop.connectEndpoint(recorder, .ipv4)
            try loop.turn { recorder.errors.count == 1 }
            try loop.finish(client)
            #expect(recorder.lostCount == 1)
            #expect(loop.timers.count == 0)
        }
    }

    // Behaviour 35
    @Test(arguments: LoopKind.allCases, DatagramFamily.allCases)
    func anEmptyDatagramIsDelivered(kind: LoopKind, family: DatagramFamily) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingDatagramProtocol()
            let (client, peer) = try loop.connectEndpoint(recorder, family)
            let address = try #require(client.extraInfo(.socketName))
            try client.sendTo([] as [UInt8])
            #expect((client as? DatagramSocketTransport)?.unsentByteCount == 8)
            #expect(client.writeBufferSize == 0)
            try client.sendTo("after")
            var received: [[UInt8]] = []
            try loop.turn {
                received += peer.receiveAll()
                return received.count == 2
            }
            #expect(received == [[], Array("after".utf8)])
            // Several: the kernel ends a receive with each, and none of them is the end of a stream.
            for bytes in [[], [1], [], [], [2]] as [[UInt8]] { try peer.send(bytes, to: address) }
            try loop.turn { recorder.received.count == 5 }
            #expect(recorder.received == [[], [1], [], [], [2]])
            #expect(recorder.sources == Array(repeating: peer.address, count: 5))
            try loop.finish(client)
            for case .unix(let path) in [address, peer.address] {
                unlink(path)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theLargestDatagramsArriveWhole(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let sizes = [DatagramFamily.ipv4: 65_507, .ipv6: 65_527, .unixAbstract: 150_000]
            for (family, size) in sizes where DatagramFamily.allCases.contains(family) {
                let recorder = RecordingDatagramProtocol.echo()
                let (client, peer) = try loop.connectEndpoint(recorder, family)
                let address = try #require(client.extraInfo(.socketName))
                for number in 0..<3 {
                    let bytes = patternBytes(size - number, seed: number)
                    try peer.send(bytes, to: address)
                    var answer: [UInt8]?
                    try loop.turn {
                        answer = peer.receive()
                        return answer != nil
                    }
                    #expect(answer == bytes)
                    #expect(recorder.received.last == bytes)
                }
                #expect(recorder.errors.isEmpty)
                try loop.finish(client)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aDatagramThatIsTooLargeIsReported(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingDatagramProtocol()
            let (client, peer) = try loop.connectEndpoint(recorder, .ipv4)
            try client.sendTo([1])
            try client.sendTo(patternBytes(65_508))
            try client.sendTo([2])
            #expect(recorder.errors.isEmpty)
            try loop.turn { !recorder.errors.isEmpty }
            #expect(recorder.errors == [SocketError(.send, .messageTooLong, address: peer.address)])
            var received: [[UInt8]] = []
            try loop.turn {
                received += peer.receiveAll()
                return received.count == 2
            }
            #expect(received == [[1], [2]])
            #expect(client.writeBufferSize == 0)
            try loop.finish(client)
        }
    }

    @Test(arguments: LoopKind.allCases, [DatagramFamily.ipv4, .unixAbstract])
    func aDatagramThatWasCutIsReportedAndNotDelivered(kind: LoopKind, family: DatagramFamily) async throws {
        try await kind.withLoop(datagramSize: 2048) { loop in
            let recorder = RecordingDatagramProtocol()
            let (client, peer) = try loop.connectEndpoint(recorder, family)
            let address = try #require(client.extraInfo(.socketName))
            try peer.send(patternBytes(1000), to: address)
            try peer.send(patternBytes(5000), to: address)
            try peer.send(patternBytes(1001), to: address)
            try loop.turn { recorder.received.count == 2 }
            #expect(recorder.received == [patternBytes(1000), patternBytes(1001)])
            #expect(recorder.errors == [SocketError(.receive, .messageTooLong, address: peer.address)])
            try loop.finish(client)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func everySourceIsTold(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for family in DatagramFamily.allCases {
                let recorder = RecordingDatagramProtocol.echo()
                let server = try loop.openEndpoint(recorder, at: family.address())
                let address = try #require(server.extraInfo(.socketName))
                let peers = try (0..<5).map { _ in try RawDatagramPeer(family) }
                for round in 0..<3 {
                    for (index, peer) in peers.enumerated() { try peer.send(numbered(index), to: address) }
                    try loop.turn { recorder.sources.count == 5 * (round + 1) }
                    #expect(recorder.sources.suffix(5) == peers.map(\.address))
                    for (index, peer) in peers.enumerated() {
                        var answer: [UInt8]?
                        try loop.turn {
                            answer = peer.receive()
                            return answer != nil
                        }
                        #expect(answer == numbered(index))
                    }
                }
                try loop.finish(server)
                for case .unix(let path) in peers.map(\.address) + [address] {
                    unlink(path)
                }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aUnixSocketWithoutANameIsASource(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingDatagramProtocol.echo()
            let server = try loop.openEndpoint(recorder, at: DatagramFamily.unixAbstract.address())
            let address = try #require(server.extraInfo(.socketName))
            try RawDatagramPeer(at: .unixUnnamed).send([1], to: address)
            try loop.turn { !recorder.errors.isEmpty }
            #expect(recorder.received == [[1]])
            #expect(recorder.sources == [.unixUnnamed])
            // Nobody can be answered there, and the endpoint goes on.
            #expect(recorder.errors.map(\.address) == [.unixUnnamed])
            try RawDatagramPeer(at: .unixUnnamed).send([2], to: address)
            try loop.turn { recorder.received.count == 2 }
            try loop.finish(server)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func onlyTheRemoteAddressCanBeSentTo(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (client, peer) = try loop.connectEndpoint(RecordingDatagramProtocol(), .ipv4)
            let other = peer.address.withPort(9)
            #expect(throws: EventLoopError.self) { try client.sendTo([1], other) }
            #expect(client.writeBufferSize == 0)
            try client.sendTo([2], peer.address)
            var received: [[UInt8]] = []
            try loop.turn {
                received += peer.receiveAll()
                return !received.isEmpty
            }
            #expect(received == [[2]])
            let server = try loop.openEndpoint(RecordingDatagramProtocol(), at: .ipv4(.loopback, port: 0))
            #expect(throws: EventLoopError.self) { try server.sendTo([3]) }
            try loop.finish(client, server)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anAddressThatTheKernelDoesNotKnowIsReported(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingDatagramProtocol()
            let server = try loop.openEndpoint(recorder, at: .ipv4(.loopback, port: 0))
            let tooLong = SocketAddress.unix(path: String(repeating: "x", count: 200))
            try server.sendTo([1], tooLong)
            let foreign = SocketAddress.ipv6(.loopback, port: 9)
            try server.sendTo([2], foreign)
            try loop.turn { recorder.errors.count == 2 }
            #expect(recorder.errors.map(\.address) == [tooLong, foreign])
            #expect(recorder.errors[0].errno == .fileNameTooLong)
            #expect(recorder.lostCount == 0)
            try loop.finish(server)
        }
    }

    // Behaviour 33
    @Test(arguments: LoopKind.allCases)
    func anErrorInDatagramReceivedIsReportedAndTheEndpointStaysOpen(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var contexts: [ExceptionContext] = []
            loop.setExceptionHandler { _, context in contexts.append(context) }
            let recorder = RecordingDatagramProtocol()
            recorder.onDatagram = { _, bytes, _ in if bytes == [1] { throw TestError(number: 1) } }
            let (client, peer) = try loop.connectEndpoint(recorder)
            let address = try #require(client.extraInfo(.socketName))
            try peer.send([1], to: address)
            try peer.send([2], to: address)
            try loop.turn { recorder.received.count == 2 }
            #expect(contexts.map { $0.error as? TestError } == [TestError(number: 1)])
            #expect(contexts[0].connectionProtocol === recorder)
            #expect(contexts[0].transport === client)
            #expect(recorder.lostCount == 0 && !client.isClosing)
            loop.setExceptionHandler(nil)
            try loop.finish(client)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theProtocolCanBeSwitched(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (first, second) = (RecordingDatagramProtocol(), RecordingDatagramProtocol())
            first.onDatagram = { transport, _, _ in transport.setProtocol(second) }
            let (client, peer) = try loop.connectEndpoint(first)
            let address = try #require(client.extraInfo(.socketName))
            try peer.send([1], to: address)
            try peer.send([2], to: address)
            try loop.turn { second.received.count == 1 }
            #expect(first.received == [[1]] && second.received == [[2]])
            #expect(client.getProtocol() === second)
            #expect(second.madeCount == 0)
            try loop.finish(client)
            #expect(first.lostCount == 0 && second.lostCount == 1)
            #expect(client.getProtocol() == nil)
        }
    }
}
