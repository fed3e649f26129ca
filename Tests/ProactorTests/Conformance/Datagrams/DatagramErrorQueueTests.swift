import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Endpoints whose socket has an error queue, or is ready for ever for another reason.
@Suite struct DatagramErrorQueueTests {
    private static let families: [DatagramFamily] = [.ipv4, .ipv6]

    @Test(arguments: LoopKind.allCases, families)
    func anErrorFromTheNetworkIsToldOnceWithItsAddress(kind: LoopKind, family: DatagramFamily) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = RecordingDatagramProtocol()
            let endpoint = try loop.openEndpoint(recorder, at: family.address())
            try ErrorQueue.askForErrors(try endpoint.testDescriptor, family)
            let dead = try ErrorQueue.refusingAddress(family)
            try loop.settle()
            try endpoint.sendTo([1], dead.address)
            try loop.turn(until: { !recorder.errors.isEmpty })
            try loop.expectIdle(backend)
            #expect(recorder.errors == [SocketError(.send, .connectionRefused, address: dead.address)])
            let peer = try RawDatagramPeer(family)
            try peer.send([7], to: try endpoint.testName)
            try loop.turn(until: { !recorder.received.isEmpty })
            #expect(recorder.received == [[7]])
            try loop.finish(endpoint)
        }
    }

    @Test(arguments: LoopKind.allCases, families)
    func aConnectedEndpointIsToldOnceAndGoesOn(kind: LoopKind, family: DatagramFamily) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = RecordingDatagramProtocol()
            let (peer, other) = (try RawDatagramPeer(family), try RawDatagramPeer(family))
            let endpoint = try loop.openEndpoint(recorder, to: peer.address)
            try ErrorQueue.askForErrors(try endpoint.testDescriptor, family)
            try loop.settle()
            // Whom the endpoint talks to lets in somebody else alone.
            try peer.connect(to: other.address)
            try endpoint.sendTo([1])
            try loop.turn(until: { !recorder.errors.isEmpty })
            try loop.expectIdle(backend)
            #expect(recorder.errors.map(\.errno) == [.connectionRefused])
            #expect(recorder.errors.map(\.address) == [peer.address])
            try peer.connect(to: try endpoint.testName)
            try peer.send([7])
            try loop.turn(until: { !recorder.received.isEmpty })
            try loop.finish(endpoint)
        }
    }

    /// Each of them is the fate of one datagram, and a send that is refused for the sake of an earlier one goes out all the same.
    @Test(arguments: LoopKind.allCases, families)
    func errorsOfSeveralAreToldApart(kind: LoopKind, family: DatagramFamily) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = RecordingDatagramProtocol()
            let endpoint = try loop.openEndpoint(recorder, at: family.address())
            try ErrorQueue.askForErrors(try endpoint.testDescriptor, family)
            let dead = try (0..<3).map { _ in try ErrorQueue.refusingAddress(family) }
            let peer = try RawDatagramPeer(family)
            try loop.settle()
            for (address, _) in dead {
                try endpoint.sendTo([1], address)
                try endpoint.sendTo([2], peer.address)
            }
            try loop.turn(until: { recorder.errors.count >= 3 })
            try loop.expectIdle(backend)
            #expect(recorder.errors.map(\.errno) == [Errno](repeating: .connectionRefused, count: 3))
            #expect(recorder.errors.map(\.address) == dead.map(\.address))
            #expect(peer.receiveAll() == [[2], [2], [2]])
            try loop.finish(endpoint)
        }
    }

    /// What the kernel refuses at once comes by the queue as well: told once.
    @Test(arguments: LoopKind.allCases)
    func anErrorOfThisMachineIsToldOnce(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = RecordingDatagramProtocol()
            let endpoint = try loop.openEndpoint(recorder, at: DatagramFamily.ipv4.address())
            let socket = try endpoint.testDescriptor
            try ErrorQueue.askForErrors(socket)
            // IP_MTU_DISCOVER, IP_PMTUDISC_DO: longer ones are not cut.
            var always: Int32 = 2
            try checkCall(setsockopt(socket.rawValue, Int32(IPPROTO_IP), 10, &always, 4))
            let peer = try RawDatagramPeer(.ipv4)
            try loop.settle()
            try endpoint.sendTo([UInt8](repeating: 1, count: 66_000), peer.address)
            try endpoint.sendTo([2], peer.address)
            try loop.turn(until: { !recorder.errors.isEmpty })
            try loop.expectIdle(backend)
            #expect(recorder.errors.map(\.errno) == [.messageTooLong])
            #expect(peer.receiveAll() == [[2]])
            try loop.finish(endpoint)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func notesOfTimesAreDropped(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = RecordingDatagramProtocol()
            let (endpoint, peer) = try loop.connectEndpoint(recorder, .ipv4)
            try ErrorQueue.askForTimes(try endpoint.testDescriptor)
            try loop.settle()
            for number in 0..<3 { try endpoint.sendTo(numbered(number)) }
            try loop.turn(until: { endpoint.writeBufferSize == 0 })
            try loop.expectIdle(backend)
            #expect(recorder.errors.isEmpty)
            #expect(peer.receiveAll().count == 3)
            try peer.send([7], to: try endpoint.testName)
            try loop.turn(until: { !recorder.received.isEmpty })
            try loop.finish(endpoint)
        }
    }

    /// The kernel goes on to receive for such a socket, and says that it is ready, whether there is anything or not. A single
    /// receive of a ring ends there as on a stream, and no kernel with rings for this library knows single ones only.
    @Test(arguments: LoopKind.allCases.filter { $0 != .ringOlderPaths }, DatagramFamily.allCases)
    func anEndpointWhoseReadingSideIsShutRests(kind: LoopKind, family: DatagramFamily) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = RecordingDatagramProtocol()
            let (endpoint, peer) = try loop.connectEndpoint(recorder, family)
            try checkCall(shutdown(try endpoint.testDescriptor.rawValue, Int32(SHUT_RD)))
            try loop.expectIdle(backend)
            try endpoint.sendTo([1])
            var received: [UInt8]?
            try loop.turn(until: {
                received = peer.receive()
                return received != nil
            })
            #expect(received == [1])
            if peer.address.family != .unix {
                try peer.send([7], to: try endpoint.testName)
                try loop.turn(until: { !recorder.received.isEmpty })
                try loop.expectIdle(backend)
            }
            #expect(recorder.errors.isEmpty)
            try loop.finish(endpoint)
        }
    }
}
