import CMicro
import Foundation
import Proactor

extension MicroBenchmark {
    /// Heap allocations for each operation in steady state, counted on the loop's thread.
    static func allocations(on kind: LoopKind, _ sizes: MicroSizes) -> [MicroBenchmark] {
        let count = sizes.operations
        let operations: [(name: String, atMost: Double, measure: (LoopKind, Int) throws -> Double)] = [
            // The closure that starts the chain is made once for all of them.
            ("callSoon", 0.001, callSoonAllocations),
            // Each makes a Swift task, which carries the task-local values. `Task.yield` allocates, once for a hundred of them.
            (
                "callSoon in a task", 5.02,
                { try allocationsInTask(on: $0, $1) { _ = try $0.callSoon(nothing) } }
            ),
            (
                "callSoonThreadSafe in a task", 5.02,
                { try allocationsInTask(on: $0, $1) { try $0.callSoonThreadSafe(nothing) } }
            ),
            // Their memory grows in pieces, for many timers at a time.
            ("timer that fires", 0.1, timerAllocations),
            (
                "timer that a task schedules", 5.1,
                { try allocationsInTask(on: $0, $1) { _ = try $0.callLater(.microseconds(1), nothing) } }
            ),
            ("await of a future", 0, awaitAllocations),
            ("echoed message", 0, echoAllocations),
            ("message lent by a stream", 0, { try streamAllocations(on: $0, $1, lends: true) }),
            // The array.
            ("message read from a stream", 1, { try streamAllocations(on: $0, $1, lends: false) }),
            ("echoed datagram", 0, datagramAllocations),
        ]
        return operations.map { operation in
            MicroBenchmark(
                topic: .allocations,
                name: "allocations: \(operation.name)",
                loop: kind.rawValue,
                unit: "each",
                decimals: 3,
                bar: sizes.bar(.atMost(operation.atMost))
            ) { try operation.measure(kind, count) }
        }
    }

    private static func callSoonAllocations(on kind: LoopKind, _ count: Int) throws -> Double {
        try withLoop(kind) { loop in
            try CallbackChain(on: loop, count: count, burst: 100).run()
            let chain = CallbackChain(on: loop, count: count, burst: 100)
            let before = cmicro_allocations()
            try chain.run()
            return Double(cmicro_allocations() - before) / Double(count)
        }
    }

    private static let nothing: @Sendable () throws -> Void = {}

    /// Of `schedule`, called by a task a hundred times a turn.
    private static func allocationsInTask(
        on kind: LoopKind,
        _ count: Int,
        _ schedule: @escaping @Sendable (BaseEventLoop) throws -> Void
    ) throws -> Double {
        try withLoop(kind) { loop in
            try loop.runUntilComplete {
                var before: UInt64 = 0
                for round in 0..<(20 + count / 100) {
                    if round == 20 { before = cmicro_allocations() }
                    for _ in 0..<100 { try schedule(loop) }
                    await Task.yield()
                }
                return Double(cmicro_allocations() - before) / Double(count)
            }
        }
    }

    private static func timerAllocations(on kind: LoopKind, _ count: Int) throws -> Double {
        try withLoop(kind) { loop in
            var left = 0
            var before: UInt64 = 0
            var fire: () throws -> Void = {}
            fire = {
                left -= 1
                if left == count { before = cmicro_allocations() }
                guard left > 0 else { return loop.stop() }
                try loop.callLater(.microseconds(1), fire)
            }
            left = count + 1_000
            try loop.callLater(.zero, fire)
            try loop.runForever()
            fire = {}
            return Double(cmicro_allocations() - before) / Double(count)
        }
    }

    /// The future that is awaited is an allocation too, made beforehand here: only the wait is counted.
    private static func awaitAllocations(on kind: LoopKind, _ count: Int) throws -> Double {
        try withLoop(kind) { loop in
            let futures = (0..<(count + 1_000)).map { _ in loop.createFuture() }
            let pump = FuturePump(loop: loop, futures: futures)
            try pump.start()
            return try loop.runUntilComplete(loop.createTask { try await awaitAll(futures, pump, count) })
        }
    }

    private nonisolated(nonsending) static func awaitAll(
        _ futures: [Future<Void>],
        _ pump: FuturePump,
        _ count: Int
    ) async throws -> Double {
        var before: UInt64 = 0
        for (index, future) in futures.enumerated() {
            if index == 1_000 { before = cmicro_allocations() }
            pump.wanted = index
            try await future.value()
        }
        let found = cmicro_allocations() - before
        pump.stop()
        return Double(found) / Double(count)
    }

    private static func echoAllocations(on kind: LoopKind, _ count: Int) throws -> Double {
        let echo = CountedEcho(skipping: 1_000, counting: count)
        try exchange(on: kind, count + 2_000) { echo }
        return echo.allocationsPerMessage
    }

    private static func streamAllocations(on kind: LoopKind, _ count: Int, lends: Bool) throws -> Double {
        let echo = CountedStreamEcho(lends: lends, skipping: 1_000, counting: count)
        try exchange(on: kind, count + 2_000) { try echo.makeProtocol() }
        return echo.allocationsPerMessage
    }

    /// Has a client exchange so many messages with what is served.
    private static func exchange(
        on kind: LoopKind,
        _ count: Int,
        with protocolFactory: @escaping () throws -> any ConnectionProtocol
    ) throws {
        try withLoop(kind) { loop in
            let exchange = loop.createTask {
                let options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
                let server = try await loop.createServer(options, protocolFactory: protocolFactory)
                let address = try server.sockets[0].localAddress()
                let ended = loop.createFuture()
                let boundEnd = LoopBound(ended, of: loop)
                Thread.detachNewThread {
                    let finished = EchoClient(port: address.port ?? 0).exchange(count)
                    try? boundEnd.post {
                        if finished {
                            try $0.setResult(())
                        } else {
                            try $0.setException(DemoProblem("the echo client lost its connection"))
                        }
                    }
                }
                try await ended.value()
                server.close()
                server.abortClients()
                try await server.waitClosed()
            }
            try loop.runUntilComplete(exchange)
        }
    }
}
