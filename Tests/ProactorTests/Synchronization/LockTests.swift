import Testing

@testable import Proactor

// Behaviour 40
@Suite struct LockTests {
    @Test(arguments: LoopKind.allCases)
    func oneTaskAtATimeHasIt(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lock = Lock()
            var (inside, most, order) = (0, 0, [Int]())
            let tasks = (0..<10).map { number in
                loop.createTask {
                    try await lock.withLock {
                        inside += 1
                        most = max(most, inside)
                        await Task.yield()
                        order.append(number)
                        inside -= 1
                    }
                }
            }
            for task in tasks { try loop.runUntilComplete(task) }
            #expect(most == 1)
            #expect(order == Array(0..<10), "it is not first come, first served")
            #expect(!lock.locked)
        }
    }

    // Pitfall 74
    @Test(arguments: LoopKind.allCases)
    func whoComesDoesNotOvertakeWhoWaits(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lock = Lock()
            var order: [String] = []
            try loop.run { try await lock.acquire() }
            let waiting = loop.createTask {
                try await lock.withLock { order.append("waiting") }
            }
            try loop.settle(turns: 3)
            // Given back, it is the waiting task's, which has not gone on yet.
            try lock.release()
            #expect(lock.locked)
            let coming = loop.createTask {
                try await lock.withLock { order.append("coming") }
            }
            try loop.runUntilComplete(coming)
            #expect(waiting.done)
            #expect(order == ["waiting", "coming"])
        }
    }

    // Pitfall 72
    @Test(arguments: LoopKind.allCases)
    func aHandOverToACancelledTaskGoesToTheNext(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lock = Lock()
            try loop.run { try await lock.acquire() }
            let first = loop.createTask { try await lock.acquire() }
            let second = loop.createTask { try await lock.acquire() }
            try loop.settle(turns: 3)
            try lock.release()
            first.cancel()
            try loop.runUntilComplete(second)
            #expect(throws: CancellationError.self) { try first.result() }
            #expect(lock.locked, "the second has it")
            try lock.release()
            #expect(!lock.locked)
        }
    }

    // Pitfall 73
    @Test(arguments: LoopKind.allCases)
    func aTaskThatWasCancelledBeforeItsTurnIsPassedOver(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lock = Lock()
            try loop.run { try await lock.acquire() }
            let first = loop.createTask { try await lock.acquire() }
            let second = loop.createTask { try await lock.acquire() }
            try loop.settle(turns: 3)
            first.cancel()
            try lock.release()
            try loop.runUntilComplete(second)
            #expect(throws: CancellationError.self) { try first.result() }
            try lock.release()
            #expect(!lock.locked)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theOnlyWaitingTaskIsCancelledAtItsTurn(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lock = Lock()
            try loop.run { try await lock.acquire() }
            let waiting = loop.createTask { try await lock.acquire() }
            try loop.settle(turns: 3)
            try lock.release()
            waiting.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(waiting) }
            #expect(!lock.locked, "the lock is lost")
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelledTaskDoesNotBegin(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lock = Lock()
            let task = loop.createTask {
                withUnsafeCurrentTask { $0?.cancel() }
                try await lock.acquire()
            }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(!lock.locked)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelFromAnotherThreadIsHeard(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lock = Lock()
            try loop.run { try await lock.acquire() }
            let waiting = loop.createTask { try await lock.acquire() }
            try loop.settle(turns: 3)
            let canceller = loop.createTask {
                try await loop.runInExecutor(nil) { [box = LoopBound(waiting, of: loop)] in
                    try loop.callSoonThreadSafe { box.value.cancel() }
                }
            }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(waiting) }
            try loop.runUntilComplete(canceller)
            try lock.release()
            #expect(!lock.locked)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aReleaseTooManyIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lock = Lock()
            #expect(throws: EventLoopError.self) { try lock.release() }
            try loop.run {
                try await lock.acquire()
                try lock.release()
                #expect(throws: EventLoopError.self) { try lock.release() }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anErrorOfTheBodyGivesItBack(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lock = Lock()
            #expect(throws: TestError(number: 4)) {
                try loop.run { try await lock.withLock { throw TestError(number: 4) } }
            }
            #expect(!lock.locked)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anotherLoopIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lock = Lock()
            try loop.run { try await lock.acquire() }
            let other = try kind.makeLoop()
            #expect(throws: EventLoopError.self) { try other.run { try await lock.acquire() } }
            try other.close()
            try lock.release()
        }
    }
}
