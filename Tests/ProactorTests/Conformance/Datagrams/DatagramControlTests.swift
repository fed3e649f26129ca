import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Datagrams keep their bounds whatever control messages the program has asked for.
@Suite struct DatagramControlTests {
    private typealias Recorder = RecordingDatagramProtocol

    private static let udpGRO = SocketOption(level: Int32(IPPROTO_UDP), name: 104)
    private static let udpSegment = SocketOption(level: Int32(IPPROTO_UDP), name: 103)
    private static let timestamp = SocketOption(level: SOL_SOCKET, name: SO_TIMESTAMP)
    private static let overflow = SocketOption(level: SOL_SOCKET, name: 40)

    /// Options that have the kernel send control messages along, by level: names and values.
    private static let options: [Int32: [(name: Int32, value: Int32)]] = [
        // SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING, SO_RXQ_OVFL, SO_RCVMARK, SO_RCVPRIORITY.
        SOL_SOCKET: [(29, 1), (35, 1), (37, 9308), (40, 1), (75, 1), (82, 1)],
        // IP_RECVOPTS, RETOPTS, PKTINFO, RECVTTL, RECVTOS, PASSSEC, RECVORIGDSTADDR, CHECKSUM, RECVFRAGSIZE, RECVERR.
        Int32(IPPROTO_IP): [6, 7, 8, 12, 13, 18, 20, 23, 25, 11].map { ($0, 1) },
        // IPV6_RECVPKTINFO, RECVHOPLIMIT, RECVHOPOPTS, RECVRTHDR, RECVDSTOPTS, RECVTCLASS, FLOWINFO, RECVORIGDSTADDR,
        // RECVFRAGSIZE, RECVERR, and the older forms of the first five.
        Int32(IPPROTO_IPV6): [49, 51, 53, 56, 58, 66, 11, 74, 77, 25, 2, 8, 3, 5, 4].map { ($0, 1) },
    ]

    private static func options(for family: DatagramFamily) -> [(option: SocketOption, value: Int32)] {
        let levels = [SOL_SOCKET, Int32(family == .ipv4 ? IPPROTO_IP : IPPROTO_IPV6)]
        return levels.flatMap { level in
            options[level, default: []].map { (SocketOption(level: level, name: $0.name), $0.value) }
        }
    }

    /// What a turn of the sender's brings, which the kernel joins where it may.
    private static func check(_ server: any DatagramTransport, _ recorder: Recorder, _ loop: BaseEventLoop)
        throws
    {
        let address = try #require(server.extraInfo(.socketName))
        let client = try loop.openEndpoint(Recorder(), at: address.withPort(0))
        let sent = (0..<50).map { numbered($0, size: 100) }
        for bytes in sent { try client.sendTo(bytes, address) }
        let before = recorder.received.count
        try loop.turn { recorder.received.count + recorder.errors.count >= before + 50 }
        #expect(recorder.received[before...].elementsEqual(sent))
        #expect(recorder.errors.isEmpty)
        try loop.finish(client)
    }

    @Test(arguments: LoopKind.everywhere, [DatagramFamily.ipv4, .ipv6])
    func eachDatagramIsShownByItselfWhateverIsAskedFor(kind: LoopKind, family: DatagramFamily) async throws {
        try await kind.withLoop { loop in
            var known = 0
            for (option, value) in Self.options(for: family) {
                let recorder = Recorder()
                let server = try loop.openEndpoint(recorder, at: family.address())
                let socket = try #require(server.extraInfo(.socket))
                // A kernel need not know all of them.
                if (try? socket.setOption(option, to: value)) != nil { known += 1 }
                try Self.check(server, recorder, loop)
                try loop.finish(server)
            }
            #expect(known > 8)
        }
    }

    @Test(arguments: LoopKind.everywhere, [DatagramFamily.ipv4, .ipv6])
    func allThatCanBeAskedForAtOnceHasRoom(kind: LoopKind, family: DatagramFamily) async throws {
        try await kind.withLoop { loop in
            let recorder = Recorder()
            let server = try loop.openEndpoint(recorder, at: family.address())
            let socket = try #require(server.extraInfo(.socket))
            for (option, value) in Self.options(for: family) { try? socket.setOption(option, to: value) }
            try Self.check(server, recorder, loop)
            // And the same of a socket of the user's own, which had all of it before.
            let given = try loop.backend.system.makeSocket(family == .ipv4 ? .ipv4 : .ipv6, .datagram)
            try loop.backend.system.bind(given, to: family.address())
            try loop.backend.system.setOption(Self.udpGRO, to: 1, on: given)
            for (option, value) in Self.options(for: family) {
                try? loop.backend.system.setOption(option, to: value, on: given)
            }
            let second = Recorder()
            let adopted = try loop.run {
                try await loop.createDatagramEndpoint(socket: given) { second }.transport
            }
            try Self.check(adopted, second, loop)
            try loop.finish(server, adopted)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func joiningMayBeTurnedOffAndOn(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = Recorder()
            let server = try loop.openEndpoint(recorder, at: .ipv4(.loopback, port: 0))
            let address = try #require(server.extraInfo(.socketName))
            let socket = try #require(server.extraInfo(.socket))
            // Joined ones wait: they keep the note that the option brings.
            let peer = try RawDatagramPeer(.ipv4)
            let raw = FileDescriptor(rawValue: peer.descriptor)
            try loop.backend.system.setOption(Self.udpSegment, to: 64, on: raw)
            let sent = (0..<20).map { numbered($0) }
            try peer.send(sent.flatMap { $0 }, to: address)
            try socket.setOption(Self.udpGRO, to: 0)
            try loop.turn { recorder.received.count == 20 }
            #expect(recorder.received == sent)
            // Nothing waits.
            try socket.setOption(Self.udpGRO, to: 0)
            #expect(try socket.option(Self.udpGRO) == 0)
            try Self.check(server, recorder, loop)
            try socket.setOption(Self.udpGRO, to: 1)
            #expect(try socket.option(Self.udpGRO) == 1)
            try Self.check(server, recorder, loop)
            try loop.finish(server)
        }
    }

    /// An endpoint with room for one control message, which is SO_TIMESTAMP's.
    private static func openCramped(_ recorder: Recorder, _ loop: BaseEventLoop) throws
        -> any DatagramTransport
    {
        let system = loop.backend.system
        let socket = try system.makeSocket(.ipv4, .datagram)
        try system.bind(socket, to: .ipv4(.loopback, port: 0))
        try system.setOption(Self.udpGRO, to: 1, on: socket)
        try system.setOption(Self.timestamp, to: 1, on: socket)
        let transport = DatagramSocketTransport(
            loop: loop,
            socket: socket,
            family: .ipv4,
            remoteAddress: nil,
            connectedTo: nil,
            datagramProtocol: recorder,
            controlRoom: 32
        )
        transport.start()
        return transport
    }

    @Test(arguments: LoopKind.allCases)
    func joinedDatagramsWithoutTheirNoteAreAnError(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = Recorder()
            let server = try Self.openCramped(recorder, loop)
            let address = try #require(server.extraInfo(.socketName))
            let socket = try #require(server.extraInfo(.socket))
            let client = try loop.openEndpoint(Recorder(), at: .ipv4(.loopback, port: 0))
            let source = try #require(client.extraInfo(.socketName))
            for number in 0..<5 { try client.sendTo(numbered(number), address) }
            try loop.turn { !recorder.errors.isEmpty }
            #expect(recorder.errors == [SocketError(.receive, .noBufferSpace, address: source)])
            #expect(recorder.errors[0].description.contains("UDP_GRO"))
            #expect(recorder.received.isEmpty)
            // By itself each has what it needs.
            try client.sendTo(numbered(6), address)
            try loop.turn { recorder.received == [numbered(6)] }
            // And where nothing is joined, no message is missed.
            try socket.setOption(Self.udpGRO, to: 0)
            try socket.setOption(Self.overflow, to: 1)
            for number in 7..<10 { try client.sendTo(numbered(number), address) }
            try loop.turn { recorder.received.count == 4 }
            #expect(recorder.received == (6..<10).map { numbered($0) })
            #expect(recorder.errors.count == 1 && recorder.lostCount == 0)
            try loop.finish(client, server)
        }
    }

    /// A loop whose buffers hold no joined datagrams shows those that are whole.
    @Test(arguments: LoopKind.allCases)
    func joinedDatagramsThatAreCutAreShownAsFarAsTheyAreWhole(kind: LoopKind) async throws {
        try await kind.withLoop(datagramSize: 2048) { loop in
            let recorder = Recorder()
            let server = try loop.openEndpoint(recorder, at: .ipv4(.loopback, port: 0))
            let address = try #require(server.extraInfo(.socketName))
            let socket = try #require(server.extraInfo(.socket))
            try socket.setOption(Self.udpGRO, to: 1)
            try socket.setOption(Self.timestamp, to: 1)
            let client = try loop.openEndpoint(Recorder(), at: .ipv4(.loopback, port: 0))
            let source = try #require(client.extraInfo(.socketName))
            for number in 0..<50 { try client.sendTo(numbered(number, size: 100), address) }
            try loop.turn { !recorder.errors.isEmpty }
            #expect(recorder.received == (0..<20).map { numbered($0, size: 100) })
            #expect(recorder.errors == [SocketError(.receive, .messageTooLong, address: source)])
            // A given socket is asked to stop that.
            let system = loop.backend.system
            let given = try system.makeSocket(.ipv4, .datagram)
            try system.bind(given, to: .ipv4(.loopback, port: 0))
            try system.setOption(Self.udpGRO, to: 1, on: given)
            let second = Recorder()
            let adopted = try loop.run {
                try await loop.createDatagramEndpoint(socket: given) { second }.transport
            }
            if loop.backend.datagramSizeMax == 2048 { try Self.check(adopted, second, loop) }
            try loop.finish(client, server, adopted)
        }
    }

    // MARK: - Unix

    /// Nobody asked for the descriptor that came with a datagram: it is closed.
    @Test(arguments: LoopKind.allCases, [false, true])
    func descriptorsThatComeAlongAreClosed(kind: LoopKind, isEndpoint: Bool) async throws {
        try await kind.withLoop { loop in
            let given = try RawDatagramPeer(.unixAbstract)
            let socket = FileDescriptor(rawValue: given.descriptor)
            // SO_PASSCRED, SO_PASSSEC, SO_TIMESTAMP, SO_RXQ_OVFL.
            for name: Int32 in [16, 34, 29, 40] {
                try? loop.backend.system.setOption(.init(level: SOL_SOCKET, name: name), to: 1, on: socket)
            }
            let peer = try RawDatagramPeer(.unixAbstract)
            let recorder = Recorder()
            let endpoint =
                isEndpoint
                ? try loop.run {
                    let copy = FileDescriptor(rawValue: dup(given.descriptor))
                    return try await loop.createDatagramEndpoint(socket: copy) { recorder }.transport
                } : nil
            for round in 0..<3 {
                var pipe: [Int32] = [-1, -1]
                try checkCall(Glibc.pipe(&pipe))
                for end in pipe {
                    try checkCall(fcntl(end, F_SETFD, FD_CLOEXEC))
                    try checkCall(fcntl(end, F_SETFL, O_NONBLOCK))
                }
                try sendDescriptor(pipe[1], numbered(round), from: peer, to: given.address)
                checkCallSucceeds(close(pipe[1]))
                if isEndpoint {
                    try loop.turn { recorder.received.count == round + 1 }
                    #expect(recorder.received.last == numbered(round))
                } else {
                    let bytes = try loop.run {
                        switch round {
                        case 0: return try await loop.sockRecv(socket, upTo: 100)
                        case 1: return try await loop.sockRecvFrom(socket, upTo: 100).bytes
                        default:
                            var buffer = OwnedBuffer(capacity: 100)
                            _ = try await loop.sockRecvInto(socket, &buffer)
                            return buffer.withBytes { $0.withUnsafeBytes { Array($0) } }
                        }
                    }
                    #expect(bytes == numbered(round))
                }
                // The end of the pipe shows when its last writing end is gone, which another test's child may hold for a moment.
                var byte: UInt8 = 0
                try loop.turn { read(pipe[0], &byte, 1) == 0 }
                checkCallSucceeds(close(pipe[0]))
            }
            #expect(recorder.errors.isEmpty)
            if let endpoint { try loop.finish(endpoint) }
        }
    }
}

private func checkCallSucceeds(_ result: Int32) {
    #expect(result == 0)
}

/// Sends a datagram with a descriptor.
private func sendDescriptor(
    _ descriptor: Int32,
    _ bytes: [UInt8],
    from peer: RawDatagramPeer,
    to address: SocketAddress
) throws {
    var form = try address.kernelForm()
    // A head and one descriptor behind it, with what alignment wants.
    var control = (cmsghdr(), Int32(0), Int32(0))
    control.0.cmsg_len = MemoryLayout<cmsghdr>.size + MemoryLayout<Int32>.size
    control.0.cmsg_level = SOL_SOCKET
    control.0.cmsg_type = Int32(0x01)
    control.1 = descriptor
    var bytes = bytes
    let result = bytes.withUnsafeMutableBytes { payload in
        withUnsafeMutablePointer(to: &form.storage) { name in
            withUnsafeMutablePointer(to: &control) { control in
                var piece = iovec(iov_base: payload.baseAddress, iov_len: payload.count)
                return withUnsafeMutablePointer(to: &piece) { piece in
                    var message = msghdr()
                    message.msg_name = UnsafeMutableRawPointer(name)
                    message.msg_namelen = form.length
                    message.msg_iov = piece
                    message.msg_iovlen = 1
                    message.msg_control = UnsafeMutableRawPointer(control)
                    message.msg_controllen = 24
                    return sendmsg(peer.descriptor, &message, 0)
                }
            }
        }
    }
    try checkCall(Int32(result))
}
