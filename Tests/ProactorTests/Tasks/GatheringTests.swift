import Testing

@testable import Proactor

@Suite struct GatheringTests {
    @Test(arguments: LoopKind.allCases)
    func resultsComeInTheOrderOfTheFutures(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let results = try loop.run {
                try await gather(
                    (0..<50).map { number in
                        loop.createTask {
                            try await sleep(for: .microseconds((50 - number) * 20))
                            return number
                        }
                    }
                )
            }
            #expect(results == Array(0..<50))
            #expect(try loop.run { try await gather([Future<Int>]()) } == [])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func futuresOfDifferentKindsAreGathered(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (number, text, _) = try loop.run {
                let done = loop.createFuture()
                try done.setResult()
                return try await gather(loop.createTask { 5 }, loop.createTask { "five" }, done)
            }
            #expect(number == 5 && text == "five")
        }
    }

    // Pitfall 78
    @Test(arguments: LoopKind.allCases, [false, true])
    func theFirstErrorIsThrownAndTheOthersGoOn(kind: LoopKind, ofDifferentKinds: Bool) async throws {
        try await kind.withLoop { loop in
            var reported: [Int] = []
            loop.setExceptionHandler { _, context in
                if let error = context.error as? TestError { reported.append(error.number) }
            }
            let gate = Event()
            let slow = loop.createTask {
                try await gate.wait()
                return 1
            }
            try loop.run {
                let failing = (2...3).map { number in
                    loop.createTask { () async throws -> Int in
                        if number == 3 { try await gate.wait() }
                        throw TestError(number: number)
                    }
                }
                await #expect(throws: TestError(number: 2)) {
                    if ofDifferentKinds {
                        _ = try await gather(slow, failing[1], failing[0])
                    } else {
                        _ = try await gather([slow, failing[1], failing[0]])
                    }
                }
            }
            #expect(!slow.done)
            #expect(reported == [])
            gate.set()
            #expect(try loop.runUntilComplete(slow) == 1)
            try loop.settle(turns: 5)
            // Nobody will ever look at it, so it is told.
            #expect(reported == [3])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelReachesAllAndWaitsForThem(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var ended = 0
            let gathering = loop.createTask {
                try await gather(
                    (0..<3).map { _ in
                        loop.createTask {
                            defer { ended += 1 }
                            try await sleep(for: .seconds(3600))
                        }
                    }
                )
            }
            try loop.settle(turns: 4)
            gathering.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(gathering) }
            #expect(ended == 3)
            #expect(loop.timers.count == 0)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelledOneIsAnError(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let futures = (0..<2).map { _ in loop.createFuture(of: Int.self) }
            let gathering = loop.createTask { try await gather(futures) }
            try loop.settle(turns: 3)
            futures[1].cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(gathering) }
            #expect(!futures[0].done)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func errorsAreReturnedWhereAskedFor(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let results = try loop.run {
                try await gatherResults([
                    loop.createTask { 1 }, loop.createTask { throw TestError(number: 2) },
                ])
            }
            #expect(try results[0].get() == 1)
            #expect(throws: TestError(number: 2)) { try results[1].get() }
        }
    }

    @Test(arguments: LoopKind.allCases, [WaitCondition.firstCompleted, .firstException, .allCompleted])
    func waitReturnsWhenItsConditionHolds(kind: LoopKind, condition: WaitCondition) async throws {
        try await kind.withLoop { loop in
            let futures = (0..<4).map { _ in loop.createFuture(of: Int.self) }
            let waiting = loop.createTask { try await wait(futures, returnWhen: condition) }
            try loop.settle(turns: 3)
            futures[3].cancel()
            try loop.settle(turns: 3)
            #expect(waiting.done == (condition == .firstCompleted))
            try futures[1].setException(TestError(number: 1))
            try loop.settle(turns: 3)
            #expect(waiting.done == (condition != .allCompleted))
            try futures[0].setResult(0)
            try futures[2].setResult(2)
            let (done, pending) = try loop.runUntilComplete(waiting)
            let expected =
                switch condition {
                case .firstCompleted: [false, false, false, true]
                case .firstException: [false, true, false, true]
                case .allCompleted: [true, true, true, true]
                }
            #expect(futures.map { future in done.contains { $0 === future } } == expected)
            #expect(pending.count == 4 - done.count)
            _ = try futures[1].exception()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func waitCancelsNothing(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let futures = (0..<2).map { _ in loop.createFuture(of: Int.self) }
            let (done, pending) = try loop.run { try await wait(futures, timeout: .milliseconds(1)) }
            #expect(done.isEmpty && pending.count == 2)
            let waiting = loop.createTask { try await wait(futures, timeout: .seconds(3600)) }
            try loop.settle(turns: 3)
            waiting.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(waiting) }
            #expect(!futures[0].done && !futures[1].done)
            #expect(loop.timers.count == 0)
            #expect(throws: EventLoopError.self) { try loop.run { try await wait([Future<Int>]()) } }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aShieldedTaskGoesOn(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let gate = Event()
            let inner = loop.createTask {
                try await gate.wait()
                return 7
            }
            let outer = loop.createTask { try await shield(inner) }
            try loop.settle(turns: 3)
            outer.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(outer) }
            #expect(!inner.done)
            gate.set()
            #expect(try loop.run { try await shield(inner) } == 7)
            #expect(throws: TestError(number: 1)) {
                try loop.run { try await shield(loop.createTask { throw TestError(number: 1) }) }
            }
            let cancelled = loop.createTask { try await sleep(for: .seconds(3600)) }
            cancelled.cancel()
            #expect(throws: CancellationError.self) { try loop.run { try await shield(cancelled) } }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func completedOnesComeInTheOrderOfTheirEnds(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let futures = (0..<4).map { _ in loop.createFuture(of: Int.self) }
            try futures[2].setResult(2)
            let iterating = loop.createTask {
                var order: [Int] = []
                for try await future in try asCompleted(futures) { order.append(try future.result()) }
                return order
            }
            for number in [3, 0, 1] {
                try loop.settle(turns: 3)
                try futures[number].setResult(number)
            }
            #expect(try loop.runUntilComplete(iterating) == [2, 3, 0, 1])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func completedOnesHaveATimeForAll(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let futures = (0..<2).map { _ in loop.createFuture(of: Int.self) }
            try futures[0].setResult(0)
            var seen = 0
            let iterating = loop.createTask {
                for try await _ in try asCompleted(futures, timeout: .seconds(1)) { seen += 1 }
            }
            try loop.turn { seen == 1 }
            backend.advanceClock(by: .seconds(1))
            #expect(throws: TimeoutError.self) { try loop.runUntilComplete(iterating) }
            #expect(seen == 1 && !futures[1].done)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func otherThreadsAndLoopsAreWaitedFor(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            #expect(try loop.run { try await toThread { 3 } } == 3)
            try loop.run {
                let future = try wrapFuture(loop.runCoroutineThreadSafe { 4 })
                #expect(try await future.value() == 4)
            }
            let other = try kind.makeLoop()
            let stranger = other.createFuture(of: Int.self)
            #expect(throws: EventLoopError.self) { try loop.run { try await gather([stranger]) } }
            try other.close()
        }
    }
}
