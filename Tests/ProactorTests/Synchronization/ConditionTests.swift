import Testing

@testable import Proactor

// Behaviour 40
@Suite struct ConditionTests {
    @Test(arguments: LoopKind.allCases)
    func whoWaitsIsWokenInOrderAndHoldsTheLock(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let condition = Condition()
            var order: [Int] = []
            let tasks = (0..<4).map { number in
                loop.createTask {
                    try await condition.withLock {
                        try await condition.wait()
                        #expect(condition.locked)
                        order.append(number)
                    }
                }
            }
            try loop.settle(turns: 3)
            try loop.run { try await condition.withLock { try condition.notify(2) } }
            try loop.settle(turns: 5)
            #expect(order == [0, 1])
            try loop.run { try await condition.withLock { try condition.notifyAll() } }
            for task in tasks { try loop.runUntilComplete(task) }
            #expect(order == [0, 1, 2, 3])
            #expect(!condition.locked)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aPredicateIsLookedAtAfterEachNotification(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let condition = Condition()
            var (value, looks) = (0, 0)
            let waiting = loop.createTask {
                try await condition.withLock {
                    try await condition.wait {
                        looks += 1
                        return value >= 2
                    }
                }
            }
            for _ in 0..<2 {
                try loop.settle(turns: 4)
                #expect(!waiting.done)
                try loop.run {
                    try await condition.withLock {
                        value += 1
                        try condition.notifyAll()
                    }
                }
            }
            try loop.runUntilComplete(waiting)
            #expect(looks == 3)
        }
    }

    // Pitfall 75
    @Test(arguments: LoopKind.allCases)
    func aCancelledWaitHoldsTheLockAgain(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let condition = Condition()
            var heldByWaiting = false
            let waiting = loop.createTask {
                try await condition.acquire()
                do {
                    try await condition.wait()
                } catch {
                    heldByWaiting = condition.locked
                    try condition.release()
                    throw error
                }
            }
            try loop.settle(turns: 3)
            // Somebody else has the lock when the cancel comes: the wait ends only when it is free.
            try loop.run { try await condition.acquire() }
            waiting.cancel()
            try loop.settle(turns: 4)
            #expect(!waiting.done, "the wait ended without the lock")
            try condition.release()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(waiting) }
            #expect(heldByWaiting)
            #expect(!condition.locked)
        }
    }

    // Pitfall 72
    @Test(arguments: LoopKind.allCases, [false, true])
    func aNotificationOfACancelledTaskGoesToTheNext(kind: LoopKind, whileItWaitsForTheLock: Bool) async throws
    {
        try await kind.withLoop { loop in
            let condition = Condition()
            let tasks = (0..<2).map { _ in
                loop.createTask { try await condition.withLock { try await condition.wait() } }
            }
            try loop.settle(turns: 3)
            try loop.run { try await condition.acquire() }
            try condition.notify()
            if whileItWaitsForTheLock { try loop.settle(turns: 4) }
            tasks[0].cancel()
            try condition.release()
            try loop.runUntilComplete(tasks[1])
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(tasks[0]) }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func withoutTheLockItRefuses(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let condition = Condition()
            try loop.run {
                await #expect(throws: EventLoopError.self) { try await condition.wait() }
                #expect(throws: EventLoopError.self) { try condition.notify() }
                #expect(throws: EventLoopError.self) { try condition.notifyAll() }
                #expect(throws: EventLoopError.self) { try condition.release() }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func severalShareALock(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lock = Lock()
            let (full, empty) = (Condition(lock: lock), Condition(lock: lock))
            var items: [Int] = []
            let consumer = loop.createTask {
                var got: [Int] = []
                while got.count < 20 {
                    try await full.withLock {
                        try await full.wait { !items.isEmpty }
                        got.append(items.removeFirst())
                        try empty.notify()
                    }
                }
                return got
            }
            try loop.run {
                for number in 0..<20 {
                    try await empty.withLock {
                        try await empty.wait { items.isEmpty }
                        items.append(number)
                        try full.notify()
                    }
                }
            }
            #expect(try loop.runUntilComplete(consumer) == Array(0..<20))
        }
    }
}
