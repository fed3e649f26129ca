import Testing

@testable import Proactor

// Behaviour 40
@Suite struct SemaphoreTests {
    @Test(arguments: LoopKind.allCases)
    func soManyAreInsideAtATime(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let semaphore = try Semaphore(3)
            var (inside, most, order) = (0, 0, [Int]())
            let tasks = (0..<12).map { number in
                loop.createTask {
                    try await semaphore.withPermit {
                        order.append(number)
                        inside += 1
                        most = max(most, inside)
                        await Task.yield()
                        inside -= 1
                    }
                }
            }
            for task in tasks { try loop.runUntilComplete(task) }
            #expect(most == 3)
            #expect(order == Array(0..<12))
            #expect(semaphore.available == 3)
        }
    }

    // Pitfall 74
    @Test(arguments: LoopKind.allCases)
    func whoComesDoesNotOvertakeWhoWaits(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let semaphore = try Semaphore(0)
            var order: [String] = []
            let waiting = loop.createTask {
                try await semaphore.acquire()
                order.append("waiting")
            }
            try loop.settle(turns: 3)
            semaphore.release()
            #expect(semaphore.locked, "the permit is the waiting task's")
            let coming = loop.createTask {
                try await semaphore.acquire()
                order.append("coming")
            }
            try loop.runUntilComplete(waiting)
            semaphore.release()
            try loop.runUntilComplete(coming)
            #expect(order == ["waiting", "coming"])
        }
    }

    // Pitfalls 72 and 73
    @Test(arguments: LoopKind.allCases, [false, true])
    func noPermitIsLostOnACancel(kind: LoopKind, afterTheHandOver: Bool) async throws {
        try await kind.withLoop { loop in
            let semaphore = try Semaphore(0)
            let tasks = (0..<3).map { _ in loop.createTask { try await semaphore.acquire() } }
            try loop.settle(turns: 3)
            if !afterTheHandOver { tasks[0].cancel() }
            semaphore.release()
            if afterTheHandOver { tasks[0].cancel() }
            try loop.runUntilComplete(tasks[1])
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(tasks[0]) }
            #expect(!tasks[2].done)
            semaphore.release()
            // The last in the row: its permit is free again.
            tasks[2].cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(tasks[2]) }
            #expect(semaphore.available == 1)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aBoundedOneRefusesAReleaseTooMany(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let semaphore = try BoundedSemaphore(1)
            #expect(throws: EventLoopError.self) { try semaphore.release() }
            try loop.run {
                try await semaphore.acquire()
                #expect(semaphore.locked)
                try semaphore.release()
                #expect(throws: EventLoopError.self) { try semaphore.release() }
                #expect(try await semaphore.withPermit { 5 } == 5)
            }
            #expect(!semaphore.locked)
        }
    }

    @Test func fewerThanNoneIsRefused() {
        #expect(throws: EventLoopError.self) { try Semaphore(-1) }
        #expect(throws: EventLoopError.self) { try BoundedSemaphore(-1) }
    }
}
