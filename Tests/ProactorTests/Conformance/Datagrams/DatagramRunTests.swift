import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Datagrams that pass the kernel as one: nobody may see a difference but in the time it takes.
@Suite struct DatagramRunTests {
    private static let udpGRO = SocketOption(level: Int32(IPPROTO_UDP), name: 104)

    /// In rows of one size with a shorter last, with empty ones, with longer ones, and over what one row may have.
    private static let sizes =
        Array(repeating: 64, count: 20) + [10, 64, 64, 0, 0, 64, 64, 65, 65, 3, 1, 1, 1, 0]
        + Array(repeating: 1, count: 70) + [1_400, 1_400, 1_400, 9_000, 9_000, 9_000, 20_000, 20_000]

    // Behaviour 35
    @Test(arguments: LoopKind.everywhere, DatagramFamily.internet)
    func rowsArriveAsTheyWereSent(kind: LoopKind, family: DatagramFamily) async throws {
        try await kind.withLoop { loop in
            for isConnected in [false, true] {
                let recorder = RecordingDatagramProtocol()
                let server = try loop.openEndpoint(recorder, at: family.address())
                let address = try #require(server.extraInfo(.socketName))
                let client = try loop.openEndpoint(
                    RecordingDatagramProtocol(),
                    at: family.address(),
                    to: isConnected ? address : nil
                )
                let sent = Self.sizes.enumerated().map { patternBytes($1, seed: $0) }
                // Not more at once than the receiver's buffer holds.
                for start in stride(from: 0, to: sent.count, by: 40) {
                    let part = sent[start..<min(start + 40, sent.count)]
                    for bytes in part { try client.sendTo(bytes, isConnected ? nil : address) }
                    try loop.turn { recorder.received.count == part.endIndex }
                }
                #expect(recorder.received == sent)
                #expect(Set(recorder.sources) == [try #require(client.extraInfo(.socketName))])
                #expect(recorder.errors.isEmpty)
                try loop.finish(client, server)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func eachDestinationGetsItsOwn(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let peers = try (0..<3).map { _ in try RawDatagramPeer(.ipv4) }
            let client = try loop.openEndpoint(RecordingDatagramProtocol(), at: .ipv4(.loopback, port: 0))
            var expected: [[[UInt8]]] = [[], [], []]
            for number in 0..<60 {
                // Rows of one, of two and of three.
                let peer = [0, 1, 1, 2, 2, 2][number % 6]
                expected[peer].append(numbered(number))
                try client.sendTo(numbered(number), peers[peer].address)
            }
            try loop.turn { client.writeBufferSize == 0 }
            #expect(peers.map { $0.receiveAll() } == expected)
            try loop.finish(client)
        }
    }

    /// A receiver that asks for it sees that the row crossed the network stack as one.
    @Test(arguments: LoopKind.allCases)
    func aRowLeavesAsOne(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (client, peer) = try loop.connectEndpoint(RecordingDatagramProtocol(), .ipv4)
            let socket = FileDescriptor(rawValue: peer.descriptor)
            try LinuxSystemCalls(nonBlocking: true).setOption(Self.udpGRO, to: 1, on: socket)
            let sent = (0..<5).map { numbered($0) } + [numbered(5, size: 9)]
            for bytes in sent { try client.sendTo(bytes) }
            try client.sendTo(numbered(6))
            try loop.turn { client.writeBufferSize == 0 }
            #expect(peer.receiveAll() == [sent.flatMap { $0 }, numbered(6)])
            try loop.finish(client)
        }
    }

    /// A socket without checksums cannot have its datagrams cut by the kernel.
    @Test(arguments: LoopKind.allCases)
    func whatCannotLeaveAsOneLeavesOneByOne(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingDatagramProtocol()
            let (client, peer) = try loop.connectEndpoint(recorder, .ipv4)
            let transport = try #require(client as? DatagramSocketTransport)
            let withoutChecksums = SocketOption(level: SOL_SOCKET, name: SO_NO_CHECK)
            try client.extraInfo(.socket)?.setOption(withoutChecksums, to: 1)
            #expect(transport.runSizeMax == 65_535)
            let sent = (0..<100).map { numbered($0, size: $0 < 50 ? 64 : 40) }
            for bytes in sent { try client.sendTo(bytes) }
            try loop.turn { client.writeBufferSize == 0 }
            #expect(peer.receiveAll() == sent)
            #expect(recorder.errors.isEmpty)
            // What was refused once is not tried again.
            #expect(transport.runSizeMax == 39)
            try loop.finish(client)
        }
    }

    /// An error that waits at the socket costs one datagram, not the row.
    @Test(arguments: LoopKind.allCases)
    func aPendingErrorCostsOneDatagram(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = RecordingDatagramProtocol()
            let (client, peer) = try loop.connectEndpoint(recorder, .ipv4)
            backend.datagramSendFailures = [.connectionRefused]
            let sent = (0..<10).map { numbered($0) }
            for bytes in sent { try client.sendTo(bytes) }
            try loop.turn { client.writeBufferSize == 0 }
            try loop.turn { !recorder.errors.isEmpty }
            #expect(recorder.errors.map(\.errno) == [.connectionRefused])
            #expect(peer.receiveAll() == Array(sent.dropFirst()))
            try loop.finish(client)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aRowEndsWhereTheEndpointDoes(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingDatagramProtocol()
            recorder.onDatagram = { transport, bytes, _ in
                if bytes == numbered(2) { transport.abort() }
                if bytes == numbered(1) { throw TestError() }
            }
            let server = try loop.openEndpoint(recorder, at: .ipv4(.loopback, port: 0))
            let address = try #require(server.extraInfo(.socketName))
            let client = try loop.openEndpoint(RecordingDatagramProtocol(), at: .ipv4(.loopback, port: 0))
            var contexts = 0
            loop.setExceptionHandler { _, _ in contexts += 1 }
            for number in 0..<6 { try client.sendTo(numbered(number), address) }
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.received == (0..<3).map { numbered($0) })
            #expect(contexts == 1)
            try loop.finish(client, server)
        }
    }

    /// A socket of the user's may have asked the kernel to join what it receives.
    @Test(arguments: LoopKind.everywhere)
    func aGivenSocketsJoinedDatagramsAreTakenApart(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let system = loop.backend.system
            let socket = try system.makeSocket(.ipv4, .datagram)
            try system.bind(socket, to: .ipv4(.loopback, port: 0))
            try system.setOption(Self.udpGRO, to: 1, on: socket)
            let recorder = RecordingDatagramProtocol()
            let server = try loop.run {
                try await loop.createDatagramEndpoint(DatagramOptions(.socket(socket))) { recorder }.transport
            }
            let address = try #require(server.extraInfo(.socketName))
            let client = try loop.openEndpoint(RecordingDatagramProtocol(), at: .ipv4(.loopback, port: 0))
            for number in 0..<6 { try client.sendTo(numbered(number), address) }
            try loop.turn { recorder.received.count == 6 }
            #expect(recorder.received == (0..<6).map { numbered($0) })
            try loop.finish(client, server)
        }
    }
}
