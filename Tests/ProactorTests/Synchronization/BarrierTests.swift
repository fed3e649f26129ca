import Testing

@testable import Proactor

// Behaviour 40
@Suite struct BarrierTests {
    @Test(arguments: LoopKind.allCases)
    func theLastToComeLetsAllGo(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let barrier = try Barrier(parties: 3)
            for _ in 0..<3 {
                let tasks = (0..<2).map { _ in loop.createTask { try await barrier.wait() } }
                try loop.settle(turns: 3)
                #expect(barrier.nWaiting == 2)
                #expect(!tasks[0].done)
                #expect(try loop.run { try await barrier.wait() } == 2)
                #expect(barrier.nWaiting == 0)
                #expect(try tasks.map { try loop.runUntilComplete($0) } == [0, 1])
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelledTaskDoesNotCount(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let barrier = try Barrier(parties: 3)
            let tasks = (0..<2).map { _ in loop.createTask { try await barrier.wait() } }
            try loop.settle(turns: 3)
            tasks[0].cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(tasks[0]) }
            #expect(barrier.nWaiting == 1)
            let more = (0..<2).map { _ in loop.createTask { try await barrier.wait() } }
            #expect(try Set((tasks[1...] + more).map { try loop.runUntilComplete($0) }) == [0, 1, 2])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aResetSendsThemAwayAndBeginsAnew(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let barrier = try Barrier(parties: 2)
            let waiting = loop.createTask { try await barrier.wait() }
            try loop.settle(turns: 3)
            barrier.reset()
            #expect(throws: BrokenBarrierError.self) { try loop.runUntilComplete(waiting) }
            #expect(!barrier.broken)
            let pair = (0..<2).map { _ in loop.createTask { try await barrier.wait() } }
            #expect(try pair.map { try loop.runUntilComplete($0) } == [0, 1])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anAbortSendsAllAwayUntilItIsReset(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let barrier = try Barrier(parties: 2)
            let waiting = loop.createTask { try await barrier.wait() }
            try loop.settle(turns: 3)
            barrier.abort()
            #expect(barrier.broken)
            #expect(throws: BrokenBarrierError.self) { try loop.runUntilComplete(waiting) }
            #expect(throws: BrokenBarrierError.self) { try loop.run { try await barrier.wait() } }
            barrier.reset()
            #expect(!barrier.broken)
            let pair = (0..<2).map { _ in loop.createTask { try await barrier.wait() } }
            for task in pair { try loop.runUntilComplete(task) }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func oneNeverWaits(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let barrier = try Barrier(parties: 1)
            #expect(try loop.run { try await barrier.wait() } == 0)
        }
        #expect(throws: EventLoopError.self) { try Barrier(parties: 0) }
    }
}
