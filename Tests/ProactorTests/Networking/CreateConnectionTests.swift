import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct CreateConnectionTests {
    // Behaviour 11
    @Test(arguments: LoopKind.everywhere)
    func aHostAndAPortAreConnectedTo(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Witness() }
                let (transport, client) = try await loop.createConnection(
                    host: "127.0.0.1",
                    port: server.port
                ) { Witness() }
                #expect(client.transport === transport)
                #expect(transport.extraInfo(.peerName) == (try server.address))
                transport.abort()
                server.abortClients()
                server.close()
            }
        }
    }

    // Behaviour 12
    @Test(arguments: LoopKind.allCases)
    func everyAddressIsTried(kind: LoopKind) async throws {
        let addresses = (1...3).map { SocketAddress.ipv4(TestAddress.own(2, $0), port: 0) }
        try await kind.withLoop(hosts: ["three": addresses]) { loop in
            try loop.runUntilComplete {
                let server = try await loop.createServer(host: addresses[2].host, port: 0) { Witness() }
                let (transport, _) = try await loop.createConnection(host: "three", port: server.port) {
                    Witness()
                }
                #expect(transport.extraInfo(.peerName) == (try server.address))
                transport.abort()
                server.abortClients()
                server.close()
            }
        }
    }

    // Behaviour 12
    @Test(arguments: LoopKind.allCases, [nil, Duration.milliseconds(1), .seconds(1000)])
    func withAllErrorsEveryReasonIsReported(kind: LoopKind, delay: Duration?) async throws {
        let addresses = (1...3).map { SocketAddress.ipv4(TestAddress.own(3, $0), port: 0) }
        try await kind.withLoop(hosts: ["three": addresses]) { loop in
            try loop.runUntilComplete {
                let refusals = addresses.map {
                    SocketError(.connect, .connectionRefused, address: $0.withPort(1))
                }
                let all = await expectError(ConnectionError.self) {
                    try await loop.createConnection(
                        host: "three",
                        port: 1,
                        happyEyeballsDelay: delay,
                        allErrors: true
                    ) { Witness() }
                }
                #expect(all?.reasons == refusals)
                let first = await expectError(SocketError.self) {
                    try await loop.createConnection(host: "three", port: 1, happyEyeballsDelay: delay) {
                        Witness()
                    }
                }
                #expect(first == refusals[0])
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anAddressThatHangsIsOvertaken(kind: LoopKind) async throws {
        let hanging = try FullListener(at: .ipv4(TestAddress.own(4, 1), port: 0))
        let port = try #require(try hanging.address.port)
        let good = SocketAddress.ipv4(TestAddress.own(4, 2), port: port)
        try await kind.withLoop(hosts: ["two": [try hanging.address, good]]) { loop in
            try loop.runUntilComplete {
                let server = try await loop.createServer(host: good.host, port: port, reusePort: true) {
                    Witness()
                }
                let (transport, _) = try await loop.createConnection(
                    host: "two",
                    port: port,
                    happyEyeballsDelay: .milliseconds(5)
                ) { Witness() }
                #expect(transport.extraInfo(.peerName) == good)
                #expect(loop.tasks.count == 1, "the attempt that hangs was not ended")
                #expect(loop.timers.count == 0)
                transport.abort()
                server.abortClients()
                server.close()
            }
        }
        try hanging.close()
    }

    @Test(arguments: LoopKind.everywhere, [nil, Duration.milliseconds(1)])
    func cancellingEndsAnAttemptThatHangs(kind: LoopKind, delay: Duration?) async throws {
        let hanging = try FullListener(at: .ipv4(TestAddress.own(5, 1), port: 0))
        let address = try hanging.address
        try await kind.withLoop(hosts: ["hanging": [address, address.withPort(0)]]) { loop in
            let task = loop.createTask {
                try await loop.createConnection(
                    host: "hanging",
                    port: address.port,
                    happyEyeballsDelay: delay
                ) { Witness() }
            }
            func cancelWhenItConnects() throws {
                guard loop.backend.operationCount > 0 else {
                    try loop.callSoon(cancelWhenItConnects)
                    return
                }
                task.cancel()
            }
            try loop.callSoon(cancelWhenItConnects)
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(loop.timers.count == 0)
        }
        try hanging.close()
    }

    // Behaviour 12
    @Test(arguments: LoopKind.allCases)
    func aLocalAddressOfTheWrongFamilyIsSkipped(kind: LoopKind) async throws {
        let local = SocketAddress.ipv4(TestAddress.own(6, 9), port: 0)
        try await kind.withLoop(hosts: ["here": [.ipv6(.loopback, port: 0), local]]) { loop in
            try loop.runUntilComplete {
                let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Witness() }
                let (transport, _) = try await loop.createConnection(
                    host: "127.0.0.1",
                    port: server.port,
                    localAddress: ("here", 0)
                ) { Witness() }
                let name: SocketAddress? = transport.extraInfo(.socketName)
                #expect(name?.host == local.host)
                transport.abort()
                let error = await expectError(SocketError.self) {
                    try await loop.createConnection(
                        host: "127.0.0.1",
                        port: server.port,
                        localAddress: ("::1", 0)
                    ) { Witness() }
                }
                #expect(error?.operation == .bind)
                #expect(error?.errno == .addressNotAvailable)
                server.abortClients()
                server.close()
            }
        }
    }

    // Behaviour 13
    @Test(arguments: LoopKind.allCases)
    func aSocketTogetherWithAnAddressOrNeitherIsAnError(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let socket = try testSocket(AF_INET)
            try loop.runUntilComplete {
                await expectInvalid("not both") {
                    try await loop.createConnection(host: "localhost", port: 1, socket: socket) { Witness() }
                }
                await expectInvalid("not both") {
                    try await loop.createConnection(socket: socket, localAddress: ("127.0.0.1", 0)) {
                        Witness()
                    }
                }
                await expectInvalid("not both") {
                    try await loop.createConnection(socket: socket, happyEyeballsDelay: .zero) { Witness() }
                }
                await expectInvalid("a host and a port") { try await loop.createConnection { Witness() } }
                await expectInvalid("a host and a port") {
                    try await loop.createConnection(host: "localhost") { Witness() }
                }
                await expectInvalid("a path") { try await loop.createUnixConnection { Witness() } }
                await expectInvalid("not several") {
                    try await loop.createUnixConnection(path: "/a", abstractName: "b") { Witness() }
                }
                await expectInvalid("not empty") {
                    try await loop.createUnixConnection(path: "") { Witness() }
                }
            }
            // What is refused stays the caller's.
            try socket.close()
        }
    }

    // Behaviour 13
    @Test(arguments: LoopKind.allCases)
    func aSocketOfAnotherKindIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let datagram = try testSocket(AF_INET, .datagram)
            let internet = try testSocket(AF_INET)
            try loop.runUntilComplete {
                await expectInvalid("not a stream socket") {
                    try await loop.createConnection(socket: datagram) { Witness() }
                }
                await expectInvalid("family") {
                    try await loop.createUnixConnection(socket: internet) { Witness() }
                }
            }
            try datagram.close()
            try internet.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aConnectedSocketIsTakenOver(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                var pair: [Int32] = [-1, -1]
                try checkCall(socketpair(AF_UNIX, SocketType.stream.rawValue, 0, &pair))
                let received = loop.createFuture()
                let (first, _) = try await loop.createUnixConnection(
                    socket: FileDescriptor(rawValue: pair[0])
                ) {
                    Witness()
                }
                let (second, witness) = try await loop.createConnection(
                    socket: FileDescriptor(rawValue: pair[1])
                ) {
                    Witness()
                }
                witness.onData = { try? received.setResult() }
                first.write("hello")
                try await received.value()
                #expect(witness.received == Array("hello".utf8))
                first.abort()
                second.abort()
            }
        }
    }

    // Behaviour 12
    @Test(arguments: LoopKind.allCases)
    func withADelayTheFamiliesTakeTurns(kind: LoopKind) async throws {
        let first = SocketAddress.ipv4(TestAddress.own(7, 1), port: 0)
        let second = SocketAddress.ipv4(TestAddress.own(7, 2), port: 0)
        let other = SocketAddress.ipv6(.loopback, port: 0)
        try await kind.withLoop(hosts: ["mixed": [first, second, other]]) { loop in
            try loop.runUntilComplete {
                let orders = [
                    (Duration.seconds(1000), [first, other, second]), (nil, [first, second, other]),
                ]
                for (delay, order) in orders as [(Duration?, [SocketAddress])] {
                    let error = await expectError(ConnectionError.self) {
                        try await loop.createConnection(
                            host: "mixed",
                            port: 1,
                            happyEyeballsDelay: delay,
                            allErrors: true
                        ) { Witness() }
                    }
                    #expect(error?.reasons.map(\.address) == order.map { $0.withPort(1) })
                }
            }
        }
    }
}
