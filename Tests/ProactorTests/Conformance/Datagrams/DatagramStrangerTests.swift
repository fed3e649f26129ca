import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// An endpoint with a remote address hears nobody else, also of what came before it was connected.
@Suite struct DatagramStrangerTests {
    private typealias Recorder = RecordingDatagramProtocol

    @Test(arguments: LoopKind.allCases, DatagramFamily.allCases)
    func whatAStrangerSentBeforeTheConnectIsDropped(kind: LoopKind, family: DatagramFamily) async throws {
        try await kind.withLoop { loop in
            let remote = try RawDatagramPeer(family)
            let stranger = try RawDatagramPeer(family)
            let given = try RawDatagramPeer(family)
            try stranger.send([1], to: given.address)
            try remote.send([2], to: given.address)
            try stranger.send([], to: given.address)
            try RawDatagramPeer(at: family.anyAddress).send([3], to: given.address)
            try given.connect(to: remote.address)
            let recorder = Recorder()
            let endpoint = try loop.run {
                let copy = FileDescriptor(rawValue: dup(given.descriptor))
                return try await loop.createDatagramEndpoint(socket: copy) { recorder }.transport
            }
            try remote.send([4], to: given.address)
            try loop.turn { recorder.received.last == [4] }
            #expect(recorder.received == [[2], [4]])
            #expect(recorder.sources == [remote.address, remote.address])
            #expect(recorder.errors.isEmpty)
            try loop.finish(endpoint)
            for peer in [remote, stranger, given] {
                if case .unix(let path) = peer.address { unlink(path) }
            }
        }
    }

    /// The stranger sends while the endpoint is bound and its connect is under way.
    @Test(arguments: LoopKind.allCases)
    func aStrangerIsNotHeardWhileTheEndpointConnects(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let remote = try RawDatagramPeer(.ipv4)
            let stranger = try RawDatagramPeer(.ipv4)
            var sent = 0
            backend.onSubmit = { operation in
                guard case .connect(let socket, _) = operation else { return }
                guard let address = try? backend.system.localAddress(of: socket) else { return }
                for bytes: [UInt8] in [[1], Array(repeating: 1, count: 40_000)] {
                    if (try? stranger.send(bytes, to: address)) != nil { sent += 1 }
                }
                if (try? remote.send([2], to: address)) != nil { sent += 1 }
            }
            let recorder = Recorder()
            let endpoint = try loop.openEndpoint(recorder, at: .ipv4(.loopback, port: 0), to: remote.address)
            #expect(sent == 3)
            try loop.turn { recorder.received.last == [2] }
            try loop.settle()
            #expect(recorder.received == [[2]])
            #expect(recorder.errors.isEmpty)
            backend.onSubmit = nil
            try loop.finish(endpoint)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aUnixStrangerIsNotHeardWhileTheEndpointConnects(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let remote = try RawDatagramPeer(.unixAbstract)
            let stranger = try RawDatagramPeer(.unixAbstract)
            let local = DatagramFamily.unixAbstract.address()
            backend.onSubmit = { operation in
                guard case .connect = operation else { return }
                try? stranger.send([1], to: local)
                try? remote.send([2], to: local)
            }
            let recorder = Recorder()
            let endpoint = try loop.openEndpoint(recorder, at: local, to: remote.address)
            try loop.turn { recorder.received.last == [2] }
            #expect(recorder.received == [[2]])
            backend.onSubmit = nil
            try loop.finish(endpoint)
        }
    }

    /// A datagram that no buffer holds is no error of the endpoint's either, when it is a stranger's.
    @Test(arguments: LoopKind.allCases)
    func aStrangersCutDatagramIsNotReported(kind: LoopKind) async throws {
        try await kind.withLoop(datagramSize: 2048) { loop in
            let remote = try RawDatagramPeer(.ipv4)
            let given = try RawDatagramPeer(.ipv4)
            try RawDatagramPeer(.ipv4).send(Array(repeating: 1, count: 5000), to: given.address)
            try given.connect(to: remote.address)
            try remote.send([2], to: given.address)
            let recorder = Recorder()
            let endpoint = try loop.run {
                let copy = FileDescriptor(rawValue: dup(given.descriptor))
                return try await loop.createDatagramEndpoint(socket: copy) { recorder }.transport
            }
            try loop.turn { recorder.received == [[2]] }
            #expect(recorder.errors.isEmpty)
            try loop.finish(endpoint)
        }
    }

    /// The kernel takes a wildcard address for this machine's own, and so does the endpoint.
    @Test(arguments: LoopKind.allCases)
    func aWildcardRemoteIsThisMachine(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for host in ["0.0.0.0", "::"] {
                let peer = try RawDatagramPeer(host == "::" ? .ipv6 : .ipv4)
                let port = try #require(peer.address.port)
                let recorder = Recorder()
                let endpoint = try loop.run {
                    try await loop.createDatagramEndpoint(remoteAddress: (host, port)) { recorder }.transport
                }
                let address = try #require(endpoint.extraInfo(.socketName))
                try peer.send([1], to: address)
                try loop.turn { recorder.received == [[1]] }
                try loop.finish(endpoint)
            }
        }
    }

    /// Neither end of a pair has a name, until it gets one.
    @Test(arguments: LoopKind.allCases)
    func aPairsOtherEndMayGetAName(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var pair: [Int32] = [-1, -1]
            try checkCall(socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair))
            let (given, other) = (pair[0], FileDescriptor(rawValue: pair[1]))
            let recorder = Recorder()
            let endpoint = try loop.run {
                try await loop.createDatagramEndpoint(socket: FileDescriptor(rawValue: given)) { recorder }
                    .transport
            }
            #expect(send(other.rawValue, [1], 1, 0) == 1)
            try loop.turn { recorder.received == [[1]] }
            try loop.backend.system.bind(other, to: DatagramFamily.unixAbstract.address())
            #expect(send(other.rawValue, [2], 1, 0) == 1)
            try loop.turn { recorder.received == [[1], [2]] }
            try loop.finish(endpoint)
            try other.close()
        }
    }

    @Test func aSenderIsItsAddressAndPort() throws {
        let link = try #require(IPv6Address("fe80::1"))
        let named = SocketAddress.ipv6(link, port: 7, flowInfo: 0, scopeID: 2)
        #expect(named.isSameSender(as: .ipv6(link, port: 7, flowInfo: 9, scopeID: 2)))
        #expect(named.isSameSender(as: .ipv6(link, port: 7)))
        #expect(!named.isSameSender(as: .ipv6(link, port: 7, flowInfo: 0, scopeID: 3)))
        #expect(!named.isSameSender(as: .ipv6(link, port: 8, flowInfo: 0, scopeID: 2)))
        #expect(!named.isSameSender(as: .ipv6(.loopback, port: 7, flowInfo: 0, scopeID: 2)))
        #expect(SocketAddress.ipv4(.loopback, port: 1).isSameSender(as: .ipv4(.loopback, port: 1)))
        #expect(!SocketAddress.ipv4(.loopback, port: 1).isSameSender(as: .ipv4(.loopback, port: 2)))
        #expect(!SocketAddress.ipv4(.loopback, port: 1).isSameSender(as: .ipv6(.loopback, port: 1)))
        #expect(!SocketAddress.unix(path: "a").isSameSender(as: .unix(path: "b")))
    }
}

extension DatagramFamily {
    /// An address for a sender that nobody answers.
    fileprivate var anyAddress: SocketAddress {
        switch self {
        case .ipv4, .ipv6: address()
        case .unixPath, .unixAbstract: .unixUnnamed
        }
    }
}
