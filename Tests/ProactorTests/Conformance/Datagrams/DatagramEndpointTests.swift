import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct DatagramEndpointTests {
    private typealias Recorder = RecordingDatagramProtocol

    // Behaviour 11
    @Test(arguments: LoopKind.everywhere)
    func theEndpointStandsWhenTheCallReturns(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (client, recorder) = try loop.run {
                try await loop.createDatagramEndpoint(remoteAddress: ("127.0.0.1", 9)) { Recorder() }
            }
            #expect(recorder.madeCount == 1)
            #expect(recorder.transport === client)
            #expect(client.extraInfo(.peerName) == .ipv4(.loopback, port: 9))
            #expect(client.extraInfo(.socketName)?.host == "127.0.0.1")
            #expect(try client.extraInfo(.socket)?.peerAddress() == .ipv4(.loopback, port: 9))
            #expect(!client.isClosing)
            let (server, _) = try loop.run {
                try await loop.createDatagramEndpoint(localAddress: ("", 0), family: .ipv4) { Recorder() }
            }
            #expect(server.extraInfo(.peerName) == nil)
            #expect(server.extraInfo(.socketName)?.host == "0.0.0.0")
            try loop.finish(client, server)
            #expect(client.extraInfo(.peerName) == .ipv4(.loopback, port: 9))
            #expect(client.extraInfo(.socketName) == nil)
        }
    }

    // Behaviour 15
    @Test(arguments: LoopKind.allCases)
    func anAddressInUseCarriesTheErrnoAndTheAddress(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let peer = try RawDatagramPeer(.ipv4)
            let error = #expect(throws: SocketError.self) {
                _ = try loop.openEndpoint(Recorder(), at: peer.address)
            }
            #expect(error == SocketError(.bind, .addressInUse, address: peer.address))
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func endpointsShareAPortWhenTheyAskFor(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let open: (UInt16) throws -> any DatagramTransport = { port in
                try loop.run {
                    try await loop.createDatagramEndpoint(localAddress: ("127.0.0.1", port), reusePort: true)
                    {
                        Recorder()
                    }.transport
                }
            }
            let first = try open(0)
            let port = try #require(first.extraInfo(.socketName)?.port)
            let second = try open(port)
            #expect(second.extraInfo(.socketName)?.port == port)
            try loop.finish(first, second)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func broadcastingIsAllowedWhenAskedFor(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let peer = try RawDatagramPeer(.ipv4)
            let port = try #require(peer.address.port)
            let recorder = Recorder()
            let (client, _) = try loop.run {
                try await loop.createDatagramEndpoint(
                    remoteAddress: ("127.0.0.1", port),
                    allowBroadcast: true
                ) { recorder }
            }
            #expect(try client.extraInfo(.socket)?.option(.broadcast) == 1)
            // Not connected: anybody can answer, and still there is one address to send to.
            #expect(client.extraInfo(.peerName) == nil)
            #expect(throws: EventLoopError.self) { try client.sendTo([0], peer.address.withPort(9)) }
            try client.sendTo([1])
            try client.sendTo([2], peer.address)
            var received: [[UInt8]] = []
            try loop.turn {
                received += peer.receiveAll()
                return received.count == 2
            }
            #expect(received == [[1], [2]])
            let clientPort = try #require(client.extraInfo(.socketName)?.port)
            let other = try RawDatagramPeer(.ipv4)
            try other.send([3], to: .ipv4(.loopback, port: clientPort))
            try loop.turn { recorder.received == [[3]] }
            #expect(recorder.sources == [other.address])
            try loop.finish(client)
        }
    }

    @Test(.needsIPv6, arguments: LoopKind.allCases)
    func aFamilyAloneIsEnough(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let peer = try RawDatagramPeer(.ipv6)
            let (client, _) = try loop.run {
                try await loop.createDatagramEndpoint(family: .ipv6) { Recorder() }
            }
            try client.sendTo([1], peer.address)
            var received: [[UInt8]] = []
            try loop.turn {
                received += peer.receiveAll()
                return !received.isEmpty
            }
            #expect(received == [[1]])
            try loop.finish(client)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatContradictsItselfIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            #expect(throws: EventLoopError.self) {
                try loop.run { _ = try await loop.createDatagramEndpoint { Recorder() } }
            }
            #expect(throws: EventLoopError.self) {
                try loop.run {
                    _ = try await loop.createDatagramEndpoint(
                        localAddress: ("127.0.0.1", 0),
                        remoteAddress: ("::1", 9)
                    ) { Recorder() }
                }
            }
            #expect(throws: ResolutionError.self) {
                try loop.run {
                    _ = try await loop.createDatagramEndpoint(remoteAddress: ("::1", 9), family: .ipv4) {
                        Recorder()
                    }
                }
            }
            #expect(throws: EventLoopError.self) {
                try loop.run {
                    _ = try await loop.createUnixDatagramEndpoint(remoteAddress: .ipv4(.loopback, port: 9)) {
                        Recorder()
                    }
                }
            }
            let peer = try RawDatagramPeer(.ipv4)
            #expect(throws: EventLoopError.self) {
                try loop.run {
                    _ = try await loop.createDatagramEndpoint(
                        socket: FileDescriptor(rawValue: peer.descriptor),
                        reusePort: true
                    ) { Recorder() }
                }
            }
            var options = DatagramOptions(.socket(FileDescriptor(rawValue: peer.descriptor)))
            options.reusePort = true
            let contradiction = options
            #expect(throws: EventLoopError.self) {
                try loop.run { _ = try await loop.createDatagramEndpoint(contradiction) { Recorder() } }
            }
            options.reusePort = false
            options.family = .ipv6
            let otherFamily = options
            #expect(throws: EventLoopError.self) {
                try loop.run { _ = try await loop.createDatagramEndpoint(otherFamily) { Recorder() } }
            }
        }
    }

    // Behaviour 13
    @Test(arguments: LoopKind.allCases)
    func aStreamSocketIsRefusedAndLeftOpen(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            #expect(throws: EventLoopError.self) {
                try loop.run {
                    _ = try await loop.createDatagramEndpoint(socket: pair.first) { Recorder() }
                }
            }
            #expect(throws: SocketError(.inspect, .badFileDescriptor)) {
                try loop.run {
                    _ = try await loop.createDatagramEndpoint(socket: FileDescriptor(rawValue: -1)) {
                        Recorder()
                    }
                }
            }
            try pair.first.close()
            try pair.second.close()
        }
    }

    @Test(arguments: LoopKind.allCases, [false, true])
    func aSocketCanBeTakenOver(kind: LoopKind, isConnected: Bool) async throws {
        try await kind.withLoop { loop in
            let peer = try RawDatagramPeer(.ipv4)
            let given = try RawDatagramPeer(.ipv4)
            if isConnected { try given.connect(to: peer.address) }
            let descriptor = FileDescriptor(rawValue: dup(given.descriptor))
            let recorder = Recorder()
            let socket = inode(of: descriptor)
            let (client, _) = try loop.run {
                try await loop.createDatagramEndpoint(socket: descriptor) { recorder }
            }
            #expect(client.extraInfo(.socketName) == given.address)
            #expect(client.extraInfo(.peerName) == (isConnected ? peer.address : nil))
            try client.sendTo([1], isConnected ? nil : peer.address)
            var received: [[UInt8]] = []
            try loop.turn {
                received += peer.receiveAll()
                return !received.isEmpty
            }
            try peer.send([2], to: given.address)
            try loop.turn { recorder.received == [[2]] }
            try loop.finish(client)
            try loop.turn { inode(of: descriptor) != socket }
        }
    }

    // Behaviour 21
    @Test(arguments: LoopKind.allCases)
    func aStaleUnixPathIsReusedAndOtherFilesAreNot(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let address = DatagramFamily.unixPath.address()
            let path = address.description
            for _ in 0..<2 {
                let server = try loop.openEndpoint(Recorder(), at: address)
                try loop.finish(server)
                #expect(access(path, F_OK) == 0)
            }
            unlink(path)
            #expect(FileManager.default.createFile(atPath: path, contents: Data([1])))
            let error = #expect(throws: SocketError.self) {
                _ = try loop.openEndpoint(Recorder(), at: address)
            }
            #expect(error == SocketError(.bind, .addressInUse, address: address))
            #expect(FileManager.default.contents(atPath: path) == Data([1]))
            unlink(path)
            let missing = #expect(throws: SocketError.self) {
                _ = try loop.openEndpoint(Recorder(), to: address)
            }
            #expect(missing == SocketError(.connect, .noSuchFileOrDirectory, address: address))
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aFactoryThatThrowsLeavesNothingBehind(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let address = DatagramFamily.unixAbstract.address()
            #expect(throws: TestError(number: 4)) {
                try loop.run {
                    _ = try await loop.createUnixDatagramEndpoint(localAddress: address) {
                        () throws -> Recorder in
                        throw TestError(number: 4)
                    }
                }
            }
            // The name is free again.
            let server = try loop.openEndpoint(Recorder(), at: address)
            try loop.finish(server)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anErrorInConnectionMadeClosesTheEndpoint(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var contexts: [ExceptionContext] = []
            loop.setExceptionHandler { _, context in contexts.append(context) }
            let recorder = Recorder()
            recorder.onMade = { _ in throw TestError(number: 5) }
            let (client, _) = try loop.connectEndpoint(recorder)
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostErrors[0] as? TestError == TestError(number: 5))
            #expect(contexts.count == 1)
            loop.setExceptionHandler(nil)
            #expect(client.isClosing)
        }
    }

    // Behaviour 8
    @Test(arguments: LoopKind.allCases)
    func aClosedLoopOpensNothing(kind: LoopKind) async throws {
        try await onThread {
            let loop = try kind.makeLoop()
            let recorder = Recorder()
            let (client, _) = try loop.connectEndpoint(recorder)
            try client.sendTo([1])
            let descriptor = try #require(client.extraInfo(.socket)).descriptor
            let socket = inode(of: descriptor)
            // Left open: the loop closes the socket, and tells nobody.
            try loop.close()
            #expect(recorder.lostCount == 0)
            #expect(client.extraInfo(.socket) == nil)
            #expect(inode(of: descriptor) != socket)
        }
    }

    // Behaviour 15
    @Test(arguments: LoopKind.allCases)
    func anEndpointThatCannotBeBoundLeavesNoSocketAndNamesItsFirstAddress(kind: LoopKind) async throws {
        // Addresses for documents, which no machine has.
        let first = SocketAddress.ipv4(IPv4Address(rawValue: 0xc000_0201), port: 0)
        let second = try #require(SocketAddress(numericHost: "2001:db8::1", port: 0))
        try await kind.withLoop(hosts: ["far": [first, second]]) { loop in
            let taken = try RawDatagramPeer(.ipv4)
            let error = #expect(throws: SocketError.self) {
                try loop.openEndpoint(Recorder(), at: taken.address)
            }
            #expect(error?.errno == .addressInUse)
            let other = #expect(throws: SocketError.self) {
                try loop.run {
                    _ = try await loop.createDatagramEndpoint(localAddress: ("far", 0)) { Recorder() }
                }
            }
            #expect(other == SocketError(.bind, .addressNotAvailable, address: first))
            #expect((loop.backend as? FakeNamesBackend)?.names.openSockets.isEmpty == true)
        }
    }
}

/// What stands behind a descriptor: its number alone may be another test's by the next look.
private func inode(of descriptor: FileDescriptor) -> ino_t? {
    var status = stat()
    return fstat(descriptor.rawValue, &status) == 0 ? status.st_ino : nil
}
