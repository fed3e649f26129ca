import SystemPackage
import Testing

@testable import Proactor

/// asyncore's dispatchers, over the readers and writers of every loop.
@Suite struct DispatcherTests {
    /// Echoes, and counts itself.
    private final class Handler: DispatcherWithSend {
        var closed = 0

        override func handleRead() throws { try send(try recv(8192)) }
        override func handleClose() throws {
            closed += 1
            close()
        }
    }

    private final class Server: Dispatcher {
        var handlers: [Handler] = []
        var peers: [SocketAddress?] = []
        var connectionsLeft = Int.max

        init(map: DispatcherMap, backlog: Int = 5) throws {
            super.init(map: map)
            try createSocket()
            try setReuseAddress()
            try bind(.ipv4(.loopback, port: 0))
            try listen(backlog)
        }

        override func handleAccepted(_ socket: FileDescriptor, _ address: SocketAddress?) throws {
            peers.append(address)
            handlers.append(try Handler(socket: socket, map: map))
            connectionsLeft -= 1
            if connectionsLeft == 0 { close() }
        }
    }

    /// Sends all it has, and closes when as much has come back.
    private final class Client: Dispatcher {
        var rest: ArraySlice<UInt8>
        var received: [UInt8] = []
        var connects = 0
        var errors: [any Error] = []
        let count: Int

        init(_ bytes: [UInt8], to address: SocketAddress, map: DispatcherMap) throws {
            rest = bytes[...]
            count = bytes.count
            super.init(map: map)
            try createSocket()
            try connect(to: address)
        }

        override func handleConnect() { connects += 1 }
        override func writable() -> Bool { !rest.isEmpty }
        override func handleWrite() throws { rest = rest.dropFirst(try send(Array(rest))) }
        override func handleRead() throws {
            received += try recv(4096)
            if received.count == count { close() }
        }
        override func handleError(_ error: any Error) {
            errors.append(error)
            close()
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func clientsAndAServerTalkUntilAllAreClosed(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let map = try DispatcherMap(of: loop)
            let server = try Server(map: map)
            let address = try #require(server.address)
            server.connectionsLeft = 3
            let clients = try (0..<3).map {
                try Client(patternBytes(1 + $0 * 500_000), to: address, map: map)
            }
            #expect(map.count == 4)
            try map.loop()
            #expect(map.count == 0 && server.socket == nil)
            for (number, client) in clients.enumerated() {
                #expect(client.received == patternBytes(1 + number * 500_000))
                #expect(client.connects == 1 && client.errors.isEmpty && !client.isConnected)
            }
            #expect(server.handlers.allSatisfy { $0.closed == 1 && $0.outBuffer.isEmpty })
            #expect(server.peers.allSatisfy { $0?.family == .ipv4 })
            try loop.settle()
            #expect(loop.backend.operationCount == 0)
        }
    }

    /// Beside tasks and transports, in a loop that nobody runs for them.
    @Test(arguments: LoopKind.everywhere)
    func channelsWorkInALoopThatRunsForOthers(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let map = try DispatcherMap(of: loop)
            let server = try Server(map: map)
            let port = try #require(server.address?.port)
            let peer = RecordingProtocol()
            let transport = try loop.run {
                try await loop.createConnection(host: "127.0.0.1", port: port) { peer }.transport
            }
            transport.write("hello")
            try loop.turn(until: { peer.text == "hello" })
            transport.close()
            try loop.turn(until: { server.handlers.first?.closed == 1 })
            map.closeAll()
            map.closeAll()
            #expect(map.count == 0)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aRefusedConnectIsAnError(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let map = try DispatcherMap(of: loop)
            // Bound, so that nobody else has the port, and not listening.
            let holder = Dispatcher(map: try DispatcherMap(of: loop))
            try holder.createSocket()
            try holder.bind(.ipv4(.loopback, port: 0))
            defer { holder.close() }
            let address = try #require(holder.address)
            do {
                let client = try Client([1], to: address, map: map)
                try map.loop()
                #expect((client.errors.first as? SocketError)?.errno == .connectionRefused)
                #expect(client.connects == 0 && client.socket == nil)
            } catch let error as SocketError {
                // It may be known at once.
                #expect(error.errno == .connectionRefused && error.operation == .connect)
                map.closeAll()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anErrorThatNobodyHandlesIsReportedAndClosesTheChannel(kind: LoopKind) async throws {
        final class Fragile: Dispatcher {
            override func writable() -> Bool { false }
            override func handleRead() throws { throw TestError(number: 3) }
        }
        try await kind.withLoop { loop in
            var reported: [any Error] = []
            loop.setExceptionHandler { _, context in
                if let error = context.error { reported.append(error) }
            }
            let map = try DispatcherMap(of: loop)
            let pair = try SocketPair(.unix)
            let channel = try Fragile(socket: pair.first, map: map)
            let peer = RawPeer(pair.second)
            peer.write("?")
            try map.loop()
            #expect(reported as? [TestError] == [TestError(number: 3)])
            #expect(channel.socket == nil)
            loop.setExceptionHandler(nil)
            try loop.settle()
            peer.waitUntilOver()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func interestIsAskedAgain(kind: LoopKind) async throws {
        final class Moody: Dispatcher {
            var wants = false
            var received: [UInt8] = []
            override func readable() -> Bool { wants }
            override func writable() -> Bool { false }
            override func handleRead() throws { received += try recv(1) }
        }
        try await kind.withLoop { loop in
            let map = try DispatcherMap(of: loop)
            let pair = try SocketPair(.unix)
            let channel = try Moody(socket: pair.first, map: map)
            let peer = RawPeer(pair.second)
            peer.write("abc")
            try map.loop(timeout: .zero, count: 5)
            #expect(channel.received.isEmpty)
            channel.wants = true
            // A pass asks by itself, and serves what is ready once.
            try map.loop(count: 2)
            #expect(String(decoding: channel.received, as: UTF8.self) == "ab")
            channel.wants = false
            map.update()
            try loop.settle()
            channel.wants = true
            map.update()
            try loop.turn(until: { channel.received.count == 3 })
            map.closeAll()
            peer.close()
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func passesAreCountedAndEndWithTheirTime(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, _ in
            let map = try DispatcherMap(of: loop)
            // Without a channel there is nothing to do.
            try map.loop()
            let server = try Server(map: map)
            try map.loop(timeout: .zero, count: 3)
            try map.loop(timeout: .milliseconds(1), count: 1)
            try map.loop(count: 0)
            #expect(throws: EventLoopError.self) { try map.loop(timeout: .seconds(-1)) }
            #expect(loop.timers.count == 0)
            // A callback that closes the last ends it.
            try loop.callSoon { server.close() }
            try map.loop()
            #expect(map.count == 0)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func whatASocketCannotDoIsATypedError(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let map = try DispatcherMap(of: loop)
            let channel = Dispatcher(map: map)
            let noSocket = EventLoopError.invalidState("the dispatcher has no socket: createSocket makes one")
            #expect(throws: noSocket) { try channel.bind(.ipv4(.loopback, port: 0)) }
            #expect(throws: noSocket) { try channel.listen() }
            #expect(throws: noSocket) { try channel.connect(to: .ipv4(.loopback, port: 1)) }
            #expect(throws: noSocket) { _ = try channel.accept() }
            #expect(throws: noSocket) { try channel.send([1]) }
            #expect(throws: noSocket) { _ = try channel.recv(1) }
            try channel.createSocket()
            #expect(throws: EventLoopError.self) { try channel.createSocket() }
            #expect(throws: EventLoopError.self) { _ = try channel.recv(0) }
            let other = try Server(map: map)
            let taken = try #require(other.address)
            let error = #expect(throws: SocketError.self) { try channel.bind(taken) }
            #expect(error?.errno == .addressInUse && error?.address == taken)
            // Nobody is told of a socket that has no peer yet.
            try loop.settle()
            #expect(channel.socket != nil)
            map.closeAll()
            channel.close()
            #expect(throws: noSocket) { try channel.listen() }
        }
    }

    // MARK: - Files

    private final class Reader: FileDispatcher {
        var received: [UInt8] = []
        override func writable() -> Bool { false }
        override func handleRead() throws { received += try recv(4096) }
    }

    private final class Writer: FileDispatcher {
        var rest = patternBytes(300_000)[...]
        override func readable() -> Bool { false }
        override func handleWrite() throws {
            rest = rest.dropFirst(try send(Array(rest)))
            if rest.isEmpty { close() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func filesAreReadAndWrittenByCopiesOfTheirDescriptors(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let map = try DispatcherMap(of: loop)
            let pipe = try loop.backend.system.processes.makePipe()
            let reader = try Reader(pipe.reading, map: map)
            let writer = try Writer(pipe.writing, map: map)
            try pipe.reading.close()
            try pipe.writing.close()
            try map.loop()
            #expect(reader.received == patternBytes(300_000))
            #expect(reader.socket == nil && writer.socket == nil)
            let file = try TemporaryFile([1])
            let descriptor = try FileDescriptor.open(file.path, .readOnly)
            defer { try? descriptor.close() }
            let error = #expect(throws: DescriptorError.self) { _ = try Reader(descriptor, map: map) }
            #expect(error?.errno == .notPermitted)
        }
    }

    /// Nobody reads any more: that is the end of the channel, and no signal.
    @Test(arguments: LoopKind.allCases)
    func aPipeWithoutAReaderClosesItsWriter(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let map = try DispatcherMap(of: loop)
            let pipe = try loop.backend.system.processes.makePipe()
            let writer = try Writer(pipe.writing, map: map)
            try pipe.writing.close()
            try pipe.reading.close()
            try map.loop()
            #expect(writer.socket == nil && !writer.rest.isEmpty)
        }
    }
}
