import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// A server that is closed has left its address.
///
/// What looks at the address does so without the loop, which makes no turn meanwhile: what the loop would have left to its next
/// turn never comes. It tries again, for a child that another test starts has a copy of each listener for a moment.
@Suite struct FreedAddressTests {
    enum Place: CaseIterable, Sendable {
        case ipv4, ipv6, bothFamilies, withoutReuse, shared, abstractName, path, givenSocket, unstarted

        /// Those of this machine, which may have no IPv6.
        static var possible: [Place] {
            let hasIPv6 = DatagramFamily.allCases.contains(.ipv6)
            return allCases.filter { hasIPv6 || $0 != .ipv6 && $0 != .bothFamilies }
        }

        func options(in directory: TestDirectory) throws -> ServerOptions {
            var options: ServerOptions
            switch self {
            case .ipv6: options = ServerOptions(.tcp(hosts: ["::1"], port: 0))
            case .bothFamilies: options = ServerOptions(.tcp(hosts: ["127.0.0.1", "::1"], port: 0))
            case .abstractName:
                options = ServerOptions(.unix(.unixAbstract(name: Array(directory.path.utf8))))
            case .path: options = ServerOptions(.unix(.unix(path: directory.path(of: "s"))))
            case .givenSocket:
                let socket = try SocketPair.check(Glibc.socket(AF_INET, SOCK_STREAM_CLOEXEC, 0))
                _ = try SocketPair.bindToLoopback(socket)
                options = ServerOptions(.socket(FileDescriptor(rawValue: socket)))
            default: options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
            }
            if self == .withoutReuse { options.reuseAddress = false }
            options.reusePort = self == .shared
            options.startServing = self != .unstarted
            return options
        }
    }

    private static let system = LinuxSystemCalls(nonBlocking: false)

    private static func addresses(of server: Server) throws -> [SocketAddress] {
        try server.sockets.map { try $0.localAddress() }
    }

    /// Whether somebody else may listen there, who asks for nothing special.
    private static func comesFree(_ addresses: [SocketAddress]) throws -> Bool {
        let deadline = ContinuousClock.now + TestLimit.wait
        while try !addresses.allSatisfy(isFree) {
            guard ContinuousClock.now < deadline else { return false }
            usleep(1000)
        }
        return true
    }

    private static func isFree(_ address: SocketAddress) throws -> Bool {
        let socket = try system.makeSocket(address.family, .stream)
        defer { try? system.close(socket) }
        do {
            if address.family == .ipv6 { try system.setOption(.ipv6Only, to: 1, on: socket) }
            try system.bind(socket, to: address)
            try system.listen(socket, backlog: 1)
        } catch Errno.addressInUse {
            return false
        }
        if case .unix(let path) = address { unlink(path) }
        return true
    }

    @Test(arguments: LoopKind.allCases, Place.possible)
    func theAddressIsFreeWhenCloseReturns(kind: LoopKind, place: Place) async throws {
        try await kind.withLoop { loop in
            let directory = try TestDirectory()
            for settles in [false, true] {
                let server = try loop.serve(try place.options(in: directory)) { RecordingProtocol() }
                // With and without the accept's being with the kernel.
                if settles { try loop.settle(turns: 3) }
                let addresses = try Self.addresses(of: server)
                server.close()
                #expect(try Self.comesFree(addresses))
                if let port = addresses[0].port { #expect(try RawPeer.refuses(port: port)) }
            }
        }
    }

    @Test(arguments: LoopKind.allCases, [false, true])
    func theAddressIsFreeWhenTheServersEndIsTold(kind: LoopKind, isLate: Bool) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.endsAcceptsLater = isLate
            let made = { try await loop.createServer(host: "127.0.0.1", port: 0) { RecordingProtocol() } }
            try loop.run {
                let closed = try await made()
                var addresses = try Self.addresses(of: closed)
                closed.close()
                try await closed.waitClosed()
                #expect(try Self.comesFree(addresses))

                let scoped = try await made()
                addresses = try Self.addresses(of: scoped)
                try await scoped.withScope { () async throws in try await Task.sleep(for: .milliseconds(1)) }
                #expect(try Self.comesFree(addresses))

                let drained = try await made()
                addresses = try Self.addresses(of: drained)
                await drained.shutdownGracefully(timeout: .zero)
                #expect(try Self.comesFree(addresses))

                let served = try await loop.createServer(host: "127.0.0.1", port: 0, startServing: false) {
                    RecordingProtocol()
                }
                addresses = try Self.addresses(of: served)
                let task = loop.createTask { try await served.serveForever() }
                // Cancelled before its first step, it would leave the server alone.
                while !served.isServing { try await Task.sleep(for: .milliseconds(1)) }
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value() }
                #expect(try Self.comesFree(addresses))
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aServerThatClosesItselfInACallbackLeavesItsAddress(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for inFactory in [true, false] {
                var server: Server?
                var addresses: [SocketAddress] = []
                let accepted = RecordingProtocol()
                var wasFree: Bool?
                let close = {
                    server?.close()
                    // What was accepted has the address too, and allows another to have it.
                    wasFree = try RawPeer.refuses(port: addresses[0].port!)
                }
                accepted.onMade = { _ in if !inFactory { try close() } }
                server = try loop.serve {
                    if inFactory { try close() }
                    return accepted
                }
                addresses = try Self.addresses(of: try #require(server))
                let peers = try (0..<3).map { _ in try RawPeer(connectedTo: addresses[0].port!) }
                try loop.turn { accepted.lostCount == 0 && wasFree != nil }
                #expect(wasFree == true)
                accepted.transport?.abort()
                try loop.run { [server] in try await server?.waitClosed() }
                #expect(accepted.lostCount == 1)
                for peer in peers { peer.close() }
                server = nil
            }
        }
    }

    // What is accepted and not told yet ends with the server, and its descriptor before waitClosed returns.
    @Test(arguments: LoopKind.allCases)
    func waitClosedWaitsForWhatWasAcceptedTooLate(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let server = try loop.serve { RecordingProtocol() }
            let port = try loop.port(of: server)
            try loop.settle(turns: 3)
            try loop.run {
                let peer = try RawPeer(connectedTo: port)
                server.close()
                try await server.waitClosed()
                peer.waitUntilOver()
                #expect(peer.isOver)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aGroupsServerLeavesItsAddress(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
            for isGraceful in [false, true] {
                let server = try await group.createServer(options) { RecordingProtocol() }
                if isGraceful {
                    await server.shutdownGracefully(timeout: .zero)
                } else {
                    server.close()
                    try await server.waitClosed()
                }
                #expect(try Self.comesFree(server.addresses))
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aLoopThatClosesLeavesTheAddressesOfItsServers(kind: LoopKind) async throws {
        for closesFirst in [false, true] {
            try await kind.withLoop { loop in
                let server = try loop.serve { RecordingProtocol() }
                let addresses = try Self.addresses(of: server)
                try loop.settle(turns: 3)
                if closesFirst { server.close() }
                try loop.close()
                #expect(try Self.comesFree(addresses))
            }
        }
    }

    // A datagram endpoint's end is told by connectionLost, and what that wakes finds the address free.
    @Test(arguments: LoopKind.allCases)
    func anEndpointHasLeftItsAddressWhenItsEndIsHeardOf(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let address = try loop.run {
                let lost = loop.createFuture()
                let (transport, endpoint) = try await loop.createDatagramEndpoint(
                    localAddress: (host: "127.0.0.1", port: 0)
                ) { RecordingDatagramProtocol() }
                endpoint.onLost = { lost.succeed(()) }
                let address = try #require(transport.extraInfo(.socketName))
                try await Task.sleep(for: .milliseconds(1))
                transport.close()
                try await lost.value()
                let deadline = ContinuousClock.now + TestLimit.wait
                while true {
                    let socket = try Self.system.makeSocket(.ipv4, .datagram)
                    defer { try? Self.system.close(socket) }
                    do {
                        try Self.system.bind(socket, to: address)
                        return address
                    } catch Errno.addressInUse where ContinuousClock.now < deadline {
                        usleep(1000)
                    }
                }
            }
            #expect(address.port != 0)
        }
    }

    // What a killed process leaves to the kernel: its descriptors are closed, and the ring is taken down some time later.
    @Test(.needsRing) func aRingHoldsNoListener() async throws {
        try await LoopKind.ring.withLoop { loop in
            // Before Linux 6.11 it does.
            guard (loop as? ProactorEventLoop)?.features.waitFreeAccept == true else { return }
            let directory = try TestDirectory()
            for place in Place.possible where place != .path && place != .unstarted {
                let accepted = RecordingProtocol()
                let server = try loop.serve(try place.options(in: directory)) { accepted }
                let addresses = try Self.addresses(of: server)
                // With a connection, since what has accepted waits once more.
                let peer = try addresses[0].family == .ipv4 ? RawPeer(connectedTo: addresses[0].port!) : nil
                try loop.turn { peer == nil || accepted.events.contains(.made) }
                // The peer first: who closes first keeps the address for a minute, on any loop.
                peer?.close()
                try loop.turn { peer == nil || accepted.lostCount == 1 }
                try loop.turn { loop.openTransports.count == 0 }
                try loop.turn { loop.backend.operationCount == addresses.count }
                try loop.settle(turns: 3)
                for socket in server.sockets {
                    let other = open("/dev/null", O_RDONLY | O_CLOEXEC)
                    // In one step, so that the number stays the server's.
                    #expect(dup2(other, socket.descriptor.rawValue) >= 0)
                    _ = Glibc.close(other)
                }
                #expect(try Self.comesFree(addresses))
                server.close()
                try loop.run { try await server.waitClosed() }
            }
        }
    }
}
