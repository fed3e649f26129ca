import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct BindingTests {
    // Behaviour 15
    @Test(arguments: LoopKind.everywhere)
    func anAddressInUseIsNamed(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let server = try loop.serve { RecordingProtocol() }
            let port = try loop.port(of: server)
            let options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: port))
            let error = #expect(throws: SocketError.self) { try loop.serve(options) { RecordingProtocol() } }
            #expect(error?.errno == .addressInUse)
            #expect(error?.address == .ipv4(.loopback, port: port))
            server.close()
        }
    }

    // Behaviour 14
    @Test(arguments: LoopKind.allCases)
    func aFailedBindClosesTheSocketsBeforeIt(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // Taken on one of two addresses only, which no other test uses: a port of theirs could be this one.
            let place = try #require(LoopKind.allCases.firstIndex(of: kind))
            let (free, used) = ("127.77.\(place).1", "127.77.\(place).2")
            let taken = try loop.serve(ServerOptions(.tcp(hosts: [used], port: 0))) {
                RecordingProtocol()
            }
            let port = try loop.port(of: taken)
            let both = ServerOptions(.tcp(hosts: [free, used], port: port))
            let error = #expect(throws: SocketError.self) { try loop.serve(both) { RecordingProtocol() } }
            #expect(error?.errno == .addressInUse)
            #expect(error?.address?.host == used)
            try loop.settle(turns: 3)
            // The first address is free again.
            let first = try loop.serve(ServerOptions(.tcp(hosts: [free], port: port))) {
                RecordingProtocol()
            }
            first.close()
            taken.close()
        }
    }

    // Behaviour 14
    @Test(arguments: LoopKind.everywhere)
    func aServerListensOnSeveralHosts(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var accepted = 0
            // Twice the same is once.
            let options = ServerOptions(.tcp(hosts: ["127.0.0.1", "127.0.0.3", "127.0.0.1"], port: 0))
            let server = try loop.serve(options) {
                accepted += 1
                return RecordingProtocol()
            }
            #expect(server.sockets.count == 2)
            let peers = try server.sockets.enumerated().map { index, socket in
                let address = try socket.localAddress()
                #expect(address.host == ["127.0.0.1", "127.0.0.3"][index])
                let port = try #require(address.port)
                let options = ConnectionOptions(.tcp(host: address.host ?? "", port: port))
                return try loop.run {
                    try await loop.createConnection(options) { RecordingProtocol() }.transport
                }
            }
            try loop.turn { accepted == 2 }
            for peer in peers { peer.abort() }
            server.close()
            try loop.run { try await server.waitClosed() }
        }
    }

    // Behaviour 14
    @Test(arguments: LoopKind.everywhere)
    func anAddressThatThisMachineHasNotIsLeftOut(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // An address for documents, which no machine has.
            let far = "192.0.2.1"
            for hosts in [[far, "127.0.0.1"], ["127.0.0.1", far]] {
                let options = ServerOptions(.tcp(hosts: hosts, port: 0))
                let server = try loop.serve(options) { RecordingProtocol() }
                #expect(try server.sockets.map { try $0.localAddress().host } == ["127.0.0.1"])
                server.close()
            }
            let error = #expect(throws: SocketError.self) {
                try loop.serve(ServerOptions(.tcp(hosts: [far], port: 0))) { RecordingProtocol() }
            }
            let address = SocketAddress(numericHost: far, port: 0)
            #expect(error == SocketError(.bind, .addressNotAvailable, address: address))
        }
    }

    // Behaviour 14
    @Test(arguments: LoopKind.everywhere)
    func noHostIsEveryInterfaceOfBothFamilies(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let server = try loop.serve(ServerOptions(.tcp(hosts: [], port: 0))) { RecordingProtocol.echo() }
            let addresses = try server.sockets.map { try $0.localAddress() }
            #expect(addresses.contains { $0.host == "0.0.0.0" })
            // Each family has a socket of its own, so that both can have the same port.
            for (socket, address) in zip(server.sockets, addresses) where address.family == .ipv6 {
                #expect(try socket.option(.ipv6Only) == 1)
            }
            // Where there is no ::1, a socket of IPv6 can be had all the same.
            let hasIPv6 = DatagramFamily.allCases.contains(.ipv6)
            for address in addresses where address.family == .ipv4 || hasIPv6 {
                let port = try #require(address.port)
                let host = address.family == .ipv4 ? "127.0.0.1" : "::1"
                let (transport, client) = try loop.run {
                    try await loop.createConnection(ConnectionOptions(.tcp(host: host, port: port))) {
                        RecordingProtocol()
                    }
                }
                // Connection made, before the call returned.
                #expect(client.events == [.made])
                transport.write("hello")
                try loop.turn { client.text == "hello" }
                transport.close()
            }
            server.close()
            try loop.run { try await server.waitClosed() }
        }
    }

    // Behaviour 14
    @Test(arguments: LoopKind.everywhere)
    func aPortCanBeShared(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
            options.reusePort = true
            options.keepAlive = true
            let first = try loop.serve(options) { RecordingProtocol() }
            options.endpoint = .tcp(hosts: ["127.0.0.1"], port: try loop.port(of: first))
            let second = try loop.serve(options) { RecordingProtocol() }
            let ports = try [first, second].map { try loop.port(of: $0) }
            #expect(ports[0] == ports[1])
            #expect(try second.sockets[0].option(.reusePort) == 1)
            #expect(try second.sockets[0].option(.keepAlive) == 1)
            first.close()
            second.close()
        }
    }

    // Behaviour 13
    @Test(arguments: LoopKind.allCases)
    func existingSocketsAreServed(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let socket = FileDescriptor(rawValue: Glibc.socket(AF_INET, SOCK_STREAM_CLOEXEC, 0))
            let port = try SocketPair.bindToLoopback(socket.rawValue)
            let server = try loop.serve(ServerOptions(.socket(socket))) { RecordingProtocol.echo() }
            #expect(try loop.port(of: server) == port)
            let client = RecordingProtocol()
            let connected = try RawPeer.connectedDescriptor(port: port)
            let (transport, _) = try loop.run {
                try await loop.createConnection(ConnectionOptions(.socket(connected))) { client }
            }
            transport.write("over given sockets")
            try loop.turn { client.text == "over given sockets" }
            transport.close()
            server.close()
            try loop.run { try await server.waitClosed() }
            #expect(client.lostCount == 1)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aSocketThatCannotListenIsLetGoOf(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.tcp)
            // It is connected.
            let error = #expect(throws: SocketError.self) {
                try loop.serve(ServerOptions(.socket(pair.first))) { RecordingProtocol() }
            }
            #expect(error?.operation == .listen && error?.errno == .invalidArgument)
            #expect(!loop.descriptors.hasOwner(pair.first))
            try pair.second.close()
        }
    }

    // Behaviour 13
    @Test(arguments: LoopKind.allCases)
    func aSocketThatIsInUseIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            let used = try #require(transport.extraInfo(.socket)).descriptor
            let server = try loop.serve(ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))) {
                RecordingProtocol()
            }
            let listening = try #require(server.sockets.first).descriptor
            for socket in [used, listening] {
                #expect(throws: EventLoopError.self) {
                    try loop.run { try await loop.connectAcceptedSocket(socket) { RecordingProtocol() } }
                }
                #expect(throws: EventLoopError.self) {
                    try loop.run {
                        try await loop.createConnection(ConnectionOptions(.socket(socket))) {
                            RecordingProtocol()
                        }
                    }
                }
                #expect(throws: EventLoopError.self) {
                    try loop.serve(ServerOptions(.socket(socket))) { RecordingProtocol() }
                }
            }
            // It goes on undisturbed.
            peer.write("still here")
            try loop.turn { recorder.text == "still here" }
            server.close()
            try loop.finish(transport, peer)
            // Closed, its number may come again.
            let (other, otherPeer) = try loop.connect(RecordingProtocol())
            try loop.finish(other, otherPeer)
        }
    }

    // Behaviour 13
    @Test(arguments: LoopKind.allCases)
    func aDatagramSocketIsRefusedAndStaysTheCallers(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let datagram = FileDescriptor(rawValue: Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0))
            #expect(throws: EventLoopError.self) {
                try loop.serve(ServerOptions(.socket(datagram))) { RecordingProtocol() }
            }
            #expect(throws: EventLoopError.self) {
                try loop.run {
                    try await loop.createConnection(ConnectionOptions(.socket(datagram))) {
                        RecordingProtocol()
                    }
                }
            }
            #expect(throws: EventLoopError.self) {
                try loop.run { try await loop.connectAcceptedSocket(datagram) { RecordingProtocol() } }
            }
            // Still open, and not closed behind the caller's back.
            try datagram.close()
            #expect(loop.openTransports.count == 0)
        }
    }

    // Behaviour 11
    @Test(arguments: LoopKind.allCases)
    func aFactoryThatThrowsEndsTheConnect(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            #expect(throws: TestError(number: 9)) {
                try loop.run {
                    try await loop.connectAcceptedSocket(pair.first) { () throws -> RecordingProtocol in
                        throw TestError(number: 9)
                    }
                }
            }
            try loop.turn {
                peer.read()
                return peer.sawEnd
            }
            #expect(loop.openTransports.count == 0)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aSocketFromElsewhereSendsSmallSegmentsAtOnce(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol(), over: .tcp)
            #expect(try transport.extraInfo(.socket)?.option(.noDelay) == 1)
            try loop.finish(transport, peer)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aClosedTransportKnowsItsPeerAndNoSocket(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol(), over: .tcp)
            let peerName = try #require(transport.extraInfo(.peerName))
            #expect(transport.extraInfo(.socketName) != nil && transport.extraInfo(.socket) != nil)
            try loop.finish(transport, peer)
            // The number may be another socket's by now.
            #expect(transport.extraInfo(.socketName) == nil && transport.extraInfo(.socket) == nil)
            #expect(transport.extraInfo(.peerName) == peerName)
        }
    }

    // Behaviour 11
    // Pitfall 27
    @Test(arguments: LoopKind.allCases)
    func eachConnectionKnowsItsOwnAddresses(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var peerNames: [SocketAddress?] = []
            var socketNames: [SocketAddress?] = []
            let server = try loop.serve {
                let recorder = RecordingProtocol()
                recorder.onMade = { transport in
                    peerNames.append(transport.extraInfo(.peerName))
                    socketNames.append(transport.extraInfo(.socketName))
                    let noDelay = try transport.extraInfo(.socket)?.option(.noDelay)
                    #expect(noDelay == 1)
                    #expect(transport.extraInfo(ExtraInfoKey<Int>("unheard of")) == nil)
                    #expect(transport.extraInfo(ExtraInfoKey<Int>("peerName")) == nil)
                }
                return recorder
            }
            let port = try loop.port(of: server)
            // All of them are accepted in one turn.
            let clients = try (0..<8).map { _ in try RawPeer(connectedTo: port) }
            try loop.turn { peerNames.count == 8 }
            let ports = try clients.map {
                try LinuxSystemCalls(nonBlocking: true).localAddress(
                    of: FileDescriptor(rawValue: $0.descriptor)
                )
            }
            #expect(peerNames == ports)
            #expect(socketNames.allSatisfy { $0 == .ipv4(.loopback, port: port) })
            for client in clients { client.close() }
            server.close()
            try loop.run { try await server.waitClosed() }
        }
    }
}
