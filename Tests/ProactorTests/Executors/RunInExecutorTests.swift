import CPosix
import Testing

@testable import Proactor

/// A value that belongs to one thread at a time.
private final class Parcel {
    var number: Int

    init(_ number: Int) {
        self.number = number
    }
}

@Suite struct RunInExecutorTests {
    @Test(arguments: LoopKind.allCases)
    func theResultComesBackToTheLoopsThread(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let name = try loop.runUntilComplete {
                let loopThread = cposix_thread_id()
                let (thread, name) = try await loop.runInExecutor {
                    (cposix_thread_id(), currentThreadName())
                }
                #expect(thread != loopThread)
                #expect(cposix_thread_id() == loopThread)
                return name
            }
            #expect(name == "proactor-0")
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func whatIsCapturedAndReturnedMoves(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                let parcel = Parcel(20)
                let changed = try await loop.runInExecutor { () -> Parcel in
                    parcel.number += 1
                    return Parcel(parcel.number * 2)
                }
                #expect(changed.number == 42)
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func anErrorComesBack(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            #expect(throws: TestError(number: 7)) {
                try loop.runUntilComplete { try await loop.runInExecutor { throw TestError(number: 7) } }
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func theLoopGoesOnWhileTheWorkBlocks(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                let gate = Gate()
                // The work ends only if this callback runs beside it.
                try loop.callSoon { gate.open() }
                try await loop.runInExecutor { gate.pass() }
                #expect(gate.arrived == 1)
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func manyPiecesOfWorkEndEachWithItsOwnResult(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let results = try loop.runUntilComplete {
                let futures = try (0..<200).map { number in try loop.startInExecutor { number * number } }
                var results: [Int] = []
                for future in futures { results.append(try await future.value()) }
                return results
            }
            #expect(results == (0..<200).map { $0 * $0 })
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anExecutorThatIsNamedIsUsed(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pool = ThreadPool(name: "own", threadsMax: 1)
            let name = try loop.runUntilComplete {
                try await loop.runInExecutor(pool) { currentThreadName() }
            }
            #expect(name == "own-0")
            pool.shutdownAndWait()
        }
    }

    // MARK: - Cancelling

    @Test(arguments: LoopKind.everywhere)
    func cancellingEndsTheWaitAndNotTheWork(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pool = ThreadPool(threadsMax: 1)
            let gate = Gate()
            try loop.runUntilComplete {
                let task = loop.createTask { try await loop.runInExecutor(pool) { gate.pass() } }
                // By way of a thread of its own, so that the loop runs on meanwhile.
                let hasBegun = try await loop.runInExecutor { gate.waitFor(arrivals: 1) }
                #expect(hasBegun)
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value() }
                #expect(pool.threadCount == 1)
            }
            gate.open()
            pool.shutdownAndWait()
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func cancelledWorkThatHasNotBegunIsNotBegun(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let executor = HoldingExecutor()
            let ran = Record<Int>()
            let life = LifeCounter()
            try loop.runUntilComplete {
                let object = life.makeObject()
                let future = try loop.startInExecutor(executor) { [object] in
                    object.touch()
                    ran.append(1)
                }
                #expect(executor.count == 1)
                #expect(future.cancel())
                #expect(!future.cancel())
                await #expect(throws: CancellationError.self) { try await future.value() }
            }
            // It is not kept until its turn would have come.
            #expect(life.alive == 0)
            executor.runAll()
            #expect(ran.entries.isEmpty)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aCancelledTaskBeginsNoWork(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let executor = CountingExecutor()
            let task = loop.createTask {
                withUnsafeCurrentTask { $0?.cancel() }
                try await loop.runInExecutor(executor) {}
            }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(executor.submitted == 0)
        }
    }

    // MARK: - Executors that refuse

    @Test(arguments: LoopKind.everywhere)
    func workThatAnExecutorDropsFails(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let executor = HoldingExecutor()
            let future = try loop.startInExecutor(executor) { 1 }
            executor.dropAll()
            #expect(throws: ExecutorError.workDropped) { try loop.runUntilComplete(future) }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func whatAnExecutorThrowsIsThrown(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pool = ThreadPool(name: "gone")
            pool.shutdown()
            #expect(throws: ExecutorError.shutDown(name: "gone")) {
                try loop.runUntilComplete { try await loop.runInExecutor(pool) {} }
            }
        }
    }

    // MARK: - The default executor

    @Test(arguments: LoopKind.everywhere)
    func theDefaultExecutorCanBeReplaced(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let executor = CountingExecutor()
            try loop.setDefaultExecutor(executor)
            let result = try loop.runUntilComplete { try await loop.runInExecutor(nil) { 3 } }
            #expect(result == 3)
            #expect(executor.submitted == 1)
            try loop.close()
            #expect(executor.shutDown == 1)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func shutdownWaitsForTheWork(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let gate = Gate()
            let order = Record<String>()
            try loop.runUntilComplete {
                let future = try loop.startInExecutor {
                    gate.pass()
                    order.append("done")
                }
                try loop.callSoon { gate.open() }
                try await loop.shutdownDefaultExecutor(timeout: .seconds(1000))
                order.append("shut down")
                #expect(future.done)
                #expect(loop.timers.count == 0)
            }
            #expect(order.entries == ["done", "shut down"])
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func afterShutdownOnlyExecutorsThatAreNamedWork(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                try await loop.shutdownDefaultExecutor()
                let error = await #expect(throws: EventLoopError.self) { try await loop.runInExecutor {} }
                guard case .invalidState(let text) = error else {
                    Issue.record("\(String(describing: error)) is not an invalid state")
                    return
                }
                #expect(text.contains("shutdownDefaultExecutor"))
                #expect(throws: EventLoopError.self) { try loop.setDefaultExecutor(CountingExecutor()) }
                let result = try await loop.runInExecutor(CountingExecutor()) { 5 }
                #expect(result == 5)
                try await loop.shutdownDefaultExecutor()
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func shutdownGivesUpAfterItsTime(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pool = ThreadPool(threadsMax: 1)
            try loop.setDefaultExecutor(pool)
            let gate = Gate()
            let lines = try LogCapture.lines {
                try loop.runUntilComplete {
                    _ = try loop.startInExecutor { gate.pass() }
                    try await loop.shutdownDefaultExecutor(timeout: .milliseconds(1))
                }
            }
            #expect(lines.contains { $0.contains("still at work") })
            #expect(loop.timers.count == 0)
            gate.open()
            pool.shutdownAndWait()
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func closingShutsTheExecutorDownWithoutWaiting(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pool = ThreadPool(threadsMax: 1)
            try loop.setDefaultExecutor(pool)
            let gate = Gate()
            _ = try loop.startInExecutor { gate.pass() }
            #expect(gate.waitFor(arrivals: 1))
            try loop.close()
            #expect(throws: ExecutorError.shutDown(name: "proactor")) { try pool.submit {} }
            #expect(throws: EventLoopError.closed) { _ = try loop.startInExecutor {} }
            #expect(throws: EventLoopError.closed) { try loop.setDefaultExecutor(pool) }
            gate.open()
            pool.shutdownAndWait()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aRunnerWaitsForTheWork(kind: LoopKind) async throws {
        try await onThread {
            var options = RunnerOptions()
            options.loopFactory = { try kind.makeLoop() }
            let runner = Runner(options: options)
            let order = Record<String>()
            let gate = Gate()
            try runner.run {
                _ = try getRunningLoop().startInExecutor {
                    gate.pass()
                    order.append("done")
                }
            }
            let opener = TestThread {
                _ = gate.waitFor(arrivals: 1)
                gate.open()
            }
            try runner.close()
            #expect(order.entries == ["done"])
            opener.join()
        }
    }
}
