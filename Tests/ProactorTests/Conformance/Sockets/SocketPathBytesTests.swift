import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Paths and names of sockets are bytes, whether they are text or not.
@Suite struct SocketPathBytesTests {
    /// Names that are no text, or are not what Swift takes for the same text.
    private static let names: [[UInt8]] = [
        [0xff], [0xc3], [0x61, 0xff, 0xfe, 0x62], [0xed, 0xa0, 0x80], Array("cafe\u{301}".utf8),
        Array("tab\tline\n".utf8), Array("\u{202e}\u{feff}".utf8),
    ]

    @Test(arguments: LoopKind.allCases, names)
    func aDatagramIsAnsweredWhereItCameFrom(kind: LoopKind, name: [UInt8]) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let echo = RecordingDatagramProtocol.echo()
            let server = try loop.openEndpoint(echo, at: SocketAddress(unixPath: folder.path(name)))
            let address = SocketAddress(unixPath: folder.path(name + [0x32]))
            let peer = try RawDatagramPeer(at: address)
            #expect(peer.address == address)
            try peer.send([1], to: server.extraInfo(.socketName))
            var received: [[UInt8]] = []
            try loop.turn {
                received += peer.receiveAll()
                return received == [[1]]
            }
            #expect(echo.sources == [address])
            #expect(echo.sources[0].pathBytes == folder.path(name + [0x32]))
            #expect(server.extraInfo(.socketName)?.pathBytes == folder.path(name))
            try loop.finish(server)
        }
    }

    /// A path may fill the kernel's room, without the zero that C wants.
    @Test(arguments: LoopKind.allCases, [106, 107, 108])
    func aLongPathIsAnswered(kind: LoopKind, length: Int) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let echo = RecordingDatagramProtocol.echo()
            let server = try loop.openEndpoint(echo, at: DatagramFamily.unixAbstract.address())
            let start = folder.path([])
            let path = start + [UInt8](repeating: 0x70, count: length - start.count)
            let peer = try RawDatagramPeer(at: SocketAddress(unixPath: path))
            #expect(peer.address.pathBytes == path)
            try peer.send([1], to: server.extraInfo(.socketName))
            var received: [[UInt8]] = []
            try loop.turn {
                received += peer.receiveAll()
                return received == [[1]]
            }
            try loop.finish(server)
        }
    }

    @Test(arguments: LoopKind.allCases, names)
    func aServerServesAtItsPathAndRemovesIt(kind: LoopKind, name: [UInt8]) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let address = SocketAddress(unixPath: folder.path(name))
            var peerNames: [SocketAddress?] = []
            let server = try loop.serve(ServerOptions(.unix(address))) {
                let echo = RecordingProtocol.echo()
                echo.onMade = { peerNames.append($0.extraInfo(.peerName)) }
                return echo
            }
            #expect(try server.address == address)
            try loop.exchange(at: address)
            // A client with such a name is known by it.
            let client = try SocketFolder.boundSocket(
                .stream,
                at: SocketAddress(unixPath: folder.path(name + [0x33]))
            )
            try loop.run { try await loop.sockConnect(client, to: address) }
            try loop.turn { peerNames.count == 2 }
            #expect(peerNames == [.unixUnnamed, SocketAddress(unixPath: folder.path(name + [0x33]))])
            try client.close()
            server.close()
            let place = try #require(try SocketPlace(folder.path(name), by: loop.backend.system))
            #expect(try place.identity() == nil)
            place.close()
        }
    }

    @Test(arguments: LoopKind.allCases, names)
    func sockCallsKeepTheBytes(kind: LoopKind, name: [UInt8]) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let address = SocketAddress(unixPath: folder.path(name))
            let receiver = try SocketFolder.boundSocket(.datagram, at: address)
            let sender = try RawDatagramPeer(at: SocketAddress(unixPath: folder.path(name + [0x34])))
            try sender.send([1, 2], to: address)
            let (bytes, source) = try loop.run { try await loop.sockRecvFrom(receiver, upTo: 10) }
            #expect(bytes == [1, 2] && source == sender.address)
            let target = try #require(source)
            #expect(try loop.run { try await loop.sockSendTo(receiver, [3], to: target) } == 1)
            #expect(sender.receive() == [3])
            try receiver.close()

            let listenerAddress = SocketAddress(unixPath: folder.path(name + [0x35]))
            let listener = try SocketFolder.boundSocket(.stream, at: listenerAddress)
            try SocketPair.check(listen(listener.rawValue, 5))
            let client = try SocketFolder.boundSocket(
                .stream,
                at: SocketAddress(unixPath: folder.path(name + [0x36]))
            )
            try loop.run { try await loop.sockConnect(client, to: listenerAddress) }
            let (accepted, peer) = try loop.run { try await loop.sockAccept(listener) }
            #expect(peer == SocketAddress(unixPath: folder.path(name + [0x36])))
            for socket in [listener, client, accepted] { try socket.close() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func abstractNamesKeepTheirBytes(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let echo = RecordingDatagramProtocol.echo()
            let name: [UInt8] =
                [0xff, 0, 0xc3] + Array("\(getpid()) \(ContinuousClock.now)".utf8) + [0, 0xfe, 0]
            let server = try loop.openEndpoint(echo, at: .unixAbstract(name: name))
            #expect(server.extraInfo(.socketName) == .unixAbstract(name: name))
            let peer = try RawDatagramPeer(at: .unixAbstract(name: name + [0xfd]))
            try peer.send([9], to: .unixAbstract(name: name))
            var received: [[UInt8]] = []
            try loop.turn {
                received += peer.receiveAll()
                return received == [[9]]
            }
            #expect(echo.sources == [.unixAbstract(name: name + [0xfd])])
            try loop.finish(server)
        }
    }
}
