import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Connections that are made when nobody wants them any more: each has a socket, and none may stay open.
@Suite struct LateConnectionTests {
    // Pitfall 21
    @Test(arguments: LoopKind.allCases)
    func theLoserThatConnectsWithTheWinnerIsClosed(kind: LoopKind) async throws {
        try await withHeldConnects(kind) { loop, connects, names, port in
            let task = connectToTwo(loop, port)
            try loop.turn(until: { connects.heldCount == 2 })
            #expect(names.openSockets.count == 2)
            connects.letGo(2)
            let (transport, _) = try loop.runUntilComplete(task)
            #expect(connects.cancelCount == 0)
            try loop.turn(until: { loop.backend.operationCount <= 1 })
            let socket = try #require(transport.extraInfo(.socket)).descriptor
            #expect(names.openSockets == [socket.rawValue])
            transport.abort()
        }
    }

    // Pitfall 21
    @Test(arguments: LoopKind.allCases)
    func theLoserThatConnectsAlthoughItIsCancelledIsClosed(kind: LoopKind) async throws {
        try await withHeldConnects(kind) { loop, connects, names, port in
            let task = connectToTwo(loop, port)
            try loop.turn(until: { connects.heldCount == 2 })
            connects.letGo(1)
            try loop.turn(until: { connects.cancelCount == 1 })
            // Nothing of the race is left behind it: it waits for the loser.
            #expect(!task.done)
            connects.letGo(1)
            let (transport, _) = try loop.runUntilComplete(task)
            try loop.turn(until: { loop.backend.operationCount <= 1 })
            let socket = try #require(transport.extraInfo(.socket)).descriptor
            #expect(names.openSockets == [socket.rawValue])
            transport.abort()
        }
    }

    // Pitfall 21
    @Test(arguments: LoopKind.allCases, [nil, Duration.milliseconds(1)])
    func aConnectThatWinsAgainstItsTasksCancelIsClosed(kind: LoopKind, delay: Duration?) async throws {
        try await withHeldConnects(kind) { loop, connects, names, port in
            var isMade = false
            let task = loop.createTask {
                try await loop.createConnection(host: "two", port: port, happyEyeballsDelay: delay) {
                    isMade = true
                    return Witness()
                }
            }
            let count = delay == nil ? 1 : 2
            try loop.turn(until: { connects.heldCount == count })
            task.cancel()
            try loop.turn(until: { connects.cancelCount == count })
            connects.letGo(count)
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(!isMade)
            try loop.turn(until: { names.openSockets.isEmpty })
        }
    }

    private func connectToTwo(_ loop: BaseEventLoop, _ port: UInt16) -> LoopTask<
        (transport: any Transport, protocol: Witness)
    > {
        loop.createTask {
            try await loop.createConnection(host: "two", port: port, happyEyeballsDelay: .milliseconds(1)) {
                Witness()
            }
        }
    }

    /// A loop that finds two addresses for the host "two", both of which accept.
    private func withHeldConnects(
        _ kind: LoopKind,
        _ body: @escaping @Sendable (BaseEventLoop, HeldConnects, FakeNames, UInt16) throws -> Void
    ) async throws {
        try await kind.withLoop { inner in
            let listener = try testSocket(AF_INET)
            let any = SocketAddress.ipv4(.any, port: 0)
            try checkCall(try any.withKernelForm { bind(listener.rawValue, $0, $1) })
            try checkCall(listen(listener.rawValue, 8))
            let port = try #require(try inner.backend.system.localAddress(of: listener).port)
            let two = (1...2).map { SocketAddress.ipv4(TestAddress.own(45, $0), port: port) }
            let connects = HeldConnects(inner.backend)
            let backend = FakeNamesBackend(["two": two], over: connects)
            let loop = BaseEventLoop(backend: backend, label: "held connects")
            try body(loop, connects, backend.names, port)
            try loop.turn(until: { loop.backend.operationCount == 0 && loop.openTransports.count == 0 })
            #expect(backend.names.openSockets.isEmpty, "sockets leaked")
            try loop.close()
            try listener.close()
        }
    }
}
