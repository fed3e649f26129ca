import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// A socket whose datagrams the kernel joins: no call could tell one from the next.
@Suite struct SockJoinedDatagramTests {
    private static let udpGRO = SocketOption(level: Int32(IPPROTO_UDP), name: 104)
    private static let udpSegment = SocketOption(level: Int32(IPPROTO_UDP), name: 103)

    /// What the calls bring that receive.
    private static func receive(_ call: Int, _ socket: FileDescriptor, _ loop: BaseEventLoop) async throws
        -> [UInt8]
    {
        var buffer = OwnedBuffer(capacity: 5000)
        switch call {
        case 0: return try await loop.sockRecv(socket, upTo: 5000)
        case 1: return try await loop.sockRecvFrom(socket, upTo: 5000).bytes
        case 2: _ = try await loop.sockRecvInto(socket, &buffer)
        default: _ = try await loop.sockRecvFromInto(socket, &buffer)
        }
        return buffer.withBytes { $0.withUnsafeBytes { Array($0) } }
    }

    @Test(arguments: SocketCase.all, 0..<4)
    func joinedDatagramsAreNeverOne(flavour: SocketCase, call: Int) async throws {
        try await flavour.kind.withLoop { loop in
            let system = loop.backend.system
            let socket = try testSocket(AF_INET, .datagram)
            try system.bind(socket, to: .ipv4(.loopback, port: 0))
            try flavour.set(socket)
            let address = try system.localAddress(of: socket)
            let peer = try RawDatagramPeer(.ipv4)
            let raw = FileDescriptor(rawValue: peer.descriptor)
            let joined = (0..<5).flatMap { numbered($0) }

            // Refused before anything is lost.
            try system.setOption(Self.udpGRO, to: 1, on: socket)
            try peer.send(numbered(9), to: address)
            try loop.run {
                let error = await expectError(EventLoopError.self) {
                    try await Self.receive(call, socket, loop)
                }
                #expect(error?.description.contains("UDP_GRO") == true)
            }
            try system.setOption(Self.udpGRO, to: 0, on: socket)
            #expect(try loop.run { try await Self.receive(call, socket, loop) } == numbered(9))

            // Turned on while a call waits: a single one is data, and several are an error.
            for isJoined in [false, true] {
                let task = loop.createTask { try await Self.receive(call, socket, loop) }
                try loop.settle()
                #expect(!task.done)
                try system.setOption(Self.udpGRO, to: 1, on: socket)
                if isJoined { try system.setOption(Self.udpSegment, to: 64, on: raw) }
                try peer.send(isJoined ? joined : numbered(8), to: address)
                if isJoined {
                    let error = #expect(throws: SocketError.self) { try loop.runUntilComplete(task) }
                    #expect(error == SocketError(.receive, .noBufferSpace, address: peer.address))
                } else {
                    #expect(try loop.runUntilComplete(task) == numbered(8))
                }
                try system.setOption(Self.udpGRO, to: 0, on: socket)
            }
            // The kernel takes them apart where it joins nothing.
            try peer.send(joined, to: address)
            for number in 0..<5 {
                #expect(try loop.run { try await Self.receive(call, socket, loop) } == numbered(number))
            }
            try socket.close()
        }
    }
}
