import Testing

@testable import Proactor

@Suite struct AsyncSequenceTests {
    /// What a task writes down, on the loop's thread.
    private final class Log {
        var ticks: [LoopInstant] = []
        var lines: [String] = []
    }

    @Test(arguments: LoopKind.allCases)
    func ticksComeAtAFixedDistanceAndDoNotDrift(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let log = Log()
            let start = loop.time()
            let task = loop.createTask {
                for await tick in try loop.ticks(every: .seconds(1000)) {
                    log.ticks.append(tick)
                    // The body takes its time.
                    backend.advanceClock(by: .seconds(400))
                    if log.ticks.count == 3 { break }
                }
            }
            try loop.settle(turns: 5)
            #expect(log.ticks.isEmpty)
            backend.advanceClock(by: .seconds(900))
            try loop.settle(turns: 5)
            #expect(log.ticks.isEmpty)
            for count in 1...3 {
                backend.advanceClock(by: .seconds(600))
                try loop.turn(until: { log.ticks.count == count })
                try loop.settle(turns: 5)
                #expect(log.ticks.count == count)
            }
            try loop.turn(until: { task.done })
            #expect(start.duration(to: log.ticks[0]) >= .seconds(1000))
            #expect(log.ticks[0].duration(to: log.ticks[1]) == .seconds(1000))
            #expect(log.ticks[1].duration(to: log.ticks[2]) == .seconds(1000))
            #expect(loop.sequences.count == 0)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func ticksThatPassMeanwhileAreLeftOut(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let log = Log()
            let task = loop.createTask {
                for await tick in try loop.ticks(every: .seconds(10)) {
                    log.ticks.append(tick)
                    if log.ticks.count == 1 { backend.advanceClock(by: .seconds(35)) }
                    if log.ticks.count == 3 { return }
                }
            }
            try loop.settle(turns: 5)
            backend.advanceClock(by: .seconds(10))
            // The one that is three intervals late comes at once, and only the last of them.
            try loop.turn(until: { log.ticks.count == 2 })
            try loop.settle(turns: 5)
            #expect(log.ticks.count == 2)
            backend.advanceClock(by: .seconds(5))
            try loop.turn(until: { task.done })
            #expect(log.ticks[0].duration(to: log.ticks[1]) == .seconds(30))
            #expect(log.ticks[1].duration(to: log.ticks[2]) == .seconds(10))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func ticksEndWithTheirTask(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let log = Log()
            let task = loop.createTask {
                for await _ in try loop.ticks(every: .seconds(3600)) { log.lines.append("a tick") }
                log.lines.append("over, cancelled: \(Task.isCancelled)")
            }
            try loop.turn(until: { loop.sequences.count == 1 })
            task.cancel()
            try loop.turn(until: { task.done })
            #expect(log.lines == ["over, cancelled: true"])
            #expect(loop.sequences.count == 0 && loop.timers.count == 0)
            // In a cancelled task there is not even a first tick to wait for.
            try loop.run {
                withUnsafeCurrentTask { $0?.cancel() }
                for await _ in try loop.ticks(every: .nanoseconds(1)) { log.lines.append("a tick") }
            }
            #expect(log.lines.count == 1)
            #expect(throws: EventLoopError.self) { try loop.ticks(every: .zero) }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anIterationThatIsLeftIsForgotten(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.run {
                for await _ in try loop.ticks(every: .microseconds(1)) { break }
                for await _ in try loop.ticks(every: .microseconds(1)) {
                    #expect(loop.sequences.count == 1)
                    break
                }
            }
            #expect(loop.sequences.count == 0)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func shutdownEndsThemAllAndLetsTheirTasksGoOnFirst(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let log = Log()
            let ticks = try loop.ticks(every: .seconds(3600))
            let busyMayGoOn = loop.createFuture()
            for number in 1...3 {
                loop.createTask {
                    for await _ in ticks { log.lines.append("a tick") }
                    log.lines.append("end of \(number), cancelled: \(Task.isCancelled)")
                }
            }
            let busy = loop.createTask {
                for await _ in try loop.ticks(every: .microseconds(1)) { try await busyMayGoOn.value() }
                log.lines.append("end of the busy one")
            }
            try loop.turn(until: { loop.sequences.count == 4 })
            try loop.settle()
            try loop.run {
                try await loop.shutdownAsyncSequences()
                log.lines.append("shut down")
            }
            let ends = (1...3).map { "end of \($0), cancelled: false" }
            #expect(log.lines == ends + ["shut down"])
            try busyMayGoOn.setResult()
            try loop.turn(until: { busy.done })
            #expect(log.lines.last == "end of the busy one")
            // Whatever is iterated later ends at once, and is told of.
            let warnings = try LogCapture.lines {
                try loop.run {
                    for await _ in try loop.ticks(every: .microseconds(1)) { log.lines.append("a tick") }
                    try await loop.shutdownAsyncSequences()
                }
            }
            #expect(warnings.count { $0.contains("after shutdownAsyncSequences") } == 1)
            #expect(!log.lines.contains("a tick"))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aRunnerEndsThem(kind: LoopKind) async throws {
        let ended = try await onThread {
            LogCapture.install()
            let log = Record<String>()
            let warnings = try LogCapture.lines {
                try run(options: RunnerOptions(loopFactory: { try kind.makeLoop() })) {
                    let loop = try getRunningLoop()
                    loop.createTask {
                        for await _ in try loop.ticks(every: .seconds(3600)) { log.append("a tick") }
                        log.append("over")
                    }
                    await Task.yield()
                    // A loop that is closing hands out no more of them: what cleans up after everything else shows it.
                    loop.setExceptionHandler { _, _ in }
                }
            }
            #expect(log.entries == ["over"])
            #expect(warnings.isEmpty)
            return true
        }
        #expect(ended == true)
    }
}
