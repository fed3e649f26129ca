import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct LoopClosedWhileConnectingTests {
    // Pitfall 24
    @Test(arguments: LoopKind.everywhere, [nil, Duration.milliseconds(1)])
    func aConnectInFlightLeavesNoSocket(kind: LoopKind, delay: Duration?) async throws {
        let hanging = try FullListener(at: .ipv4(TestAddress.own(41, 1), port: 0))
        let address = try hanging.address
        try await kind.withLoop(abandonsTasks: true) { inner in
            let hosts = ["hanging": [address, address]]
            let backend = FakeNamesBackend(hosts, over: inner.backend)
            let loop = BaseEventLoop(backend: backend, label: "closed while connecting")
            let task = loop.createTask {
                try await loop.createConnection(
                    host: "hanging",
                    port: address.port,
                    happyEyeballsDelay: delay
                ) { Witness() }
            }
            try loop.turn(until: { loop.backend.operationCount > 0 })
            #expect(!backend.names.openSockets.isEmpty)
            try loop.close()
            #expect(backend.names.openSockets.isEmpty, "the socket leaked")
            #expect(!task.done)
        }
        try hanging.close()
    }

    @Test(arguments: LoopKind.allCases)
    func aConnectThatNobodyHasTakenYetLeavesNoSocket(kind: LoopKind) async throws {
        try await kind.withLoop(abandonsTasks: true) { inner in
            let listener = try testSocket(AF_INET)
            let port = try SocketPair.bindToLoopback(listener.rawValue)
            try checkCall(listen(listener.rawValue, 8))
            let address = SocketAddress.ipv4(.loopback, port: port)
            let other = SocketAddress.ipv4(TestAddress.own(44, 1), port: port)
            let backend = FakeNamesBackend(["here": [address, other]], over: inner.backend)
            let loop = BaseEventLoop(backend: backend, label: "closed while connecting")
            let task = loop.createTask {
                try await loop.createConnection(
                    host: "here",
                    port: port,
                    happyEyeballsDelay: .seconds(1000)
                ) { Witness() }
            }
            try loop.turn(until: { !backend.names.openSockets.isEmpty })
            // The race is won, and the task is about to hear of it.
            try loop.turn(until: { loop.backend.operationCount == 0 })
            #expect(!task.done)
            try loop.close()
            #expect(backend.names.openSockets.isEmpty, "the socket leaked")
            try listener.close()
        }
    }
}
