import Testing

@testable import Proactor

@Suite struct RunnerTests {
    /// Runs `body` on a thread of its own with options whose loops are of `kind`.
    private func withOptions(
        _ kind: LoopKind,
        _ body: sending @escaping (RunnerOptions) throws -> Void
    ) async throws {
        // The thread is its only user.
        nonisolated(unsafe) let body = body
        let ended = try await onThread {
            LogCapture.install()
            try body(RunnerOptions(loopFactory: { try kind.makeLoop() }))
            return true
        }
        #expect(ended == true)
    }

    @Test(arguments: LoopKind.allCases)
    func runReturnsTheResultAndClosesTheLoop(kind: LoopKind) async throws {
        try await withOptions(kind) { options in
            let loop = try run(options: options) {
                let loop = try getRunningLoop()
                #expect(loop.isRunning)
                #expect(try getEventLoop() === loop)
                return loop
            }
            #expect(loop.isClosed)
            #expect(throws: EventLoopError.noCurrentLoop) { try getEventLoop() }
            #expect(throws: TestError(number: 1)) { try run(options: options) { throw TestError(number: 1) } }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theDefaultLoopAndDebugModeAreTheOptions(kind: LoopKind) async throws {
        try await withOptions(kind) { options in
            var options = options
            options.debug = true
            let isDebug = try run(options: options) { try getRunningLoop().debug }
            #expect(isDebug)
            options.debug = false
            let isStillDebug = try run(options: options) { try getRunningLoop().debug }
            #expect(!isStillDebug)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func tasksThatAreLeftAreCancelledAndAwaited(kind: LoopKind) async throws {
        try await withOptions(kind) { options in
            let log = Log()
            try run(options: options) {
                let loop = try getRunningLoop()
                loop.createTask {
                    do {
                        try await Task.sleep(for: .seconds(3600))
                    } catch {
                        // Cleaning up takes turns of its own, and starts more.
                        for _ in 0..<3 { await Task.yield() }
                        loop.createTask {
                            do { try await Task.sleep(for: .seconds(3600)) } catch {
                                log.add("started by cleaning up")
                            }
                        }
                        // Its first step has to run, or it never begins.
                        await Task.yield()
                        log.add("cleaned up")
                    }
                }
                await Task.yield()
            }
            #expect(log.lines.sorted() == ["cleaned up", "started by cleaning up"])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func errorsOfTasksThatAreLeftGoToTheHandler(kind: LoopKind) async throws {
        try await withOptions(kind) { options in
            let log = Log()
            try run(options: options) {
                let loop = try getRunningLoop()
                loop.setExceptionHandler { _, context in
                    let name = (context.future as? any AnyLoopTask)?.name
                    log.add("\(name ?? "no task") \(context.error as? TestError == TestError(number: 5))")
                }
                loop.createTask(name: "fragile") {
                    try? await Task.sleep(for: .seconds(3600))
                    throw TestError(number: 5)
                }
                await Task.yield()
            }
            #expect(log.lines == ["fragile true"])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aRunnerRunsSeveralBodiesOnOneLoop(kind: LoopKind) async throws {
        try await withOptions(kind) { options in
            let runner = Runner(options: options)
            let loop = try runner.getLoop()
            let first = try runner.run { try getRunningLoop() }
            let second = try runner.run { try getRunningLoop() }
            #expect(first === loop)
            #expect(second === loop)
            try runner.close()
            try runner.close()
            #expect(loop.isClosed)
            #expect(throws: EventLoopError.closed) { try runner.run { 1 } }
            #expect(throws: EventLoopError.closed) { try runner.getLoop() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func runWithinARunningLoopIsRefused(kind: LoopKind) async throws {
        try await withOptions(kind) { options in
            try run(options: options) { () -> Void in
                #expect(throws: EventLoopError.anotherLoopIsRunning) {
                    try run { () -> Void in Issue.record("the body of a refused run began") }
                }
            }
        }
    }

    /// What bodies on one loop write down.
    private final class Log: @unchecked Sendable {
        // Used on one thread only: the one that runs the loop.
        private(set) var lines: [String] = []

        func add(_ line: String) { lines.append(line) }
    }

    /// A task that is none of the loop's is not cancelled, and what it waits for is the loop's to end.
    @Test(arguments: LoopKind.allCases)
    func sequencesThatOtherTasksIterateEndBeforeTheLoop(kind: LoopKind) async throws {
        try await withOptions(kind) { options in
            nonisolated(unsafe) var hasEnded = false
            try run(options: options) {
                let loop = try #require(try getRunningLoop() as? BaseEventLoop)
                Task(executorPreference: loop) {
                    for await _ in try loop.ticks(every: .seconds(1000)) {}
                    hasEnded = true
                }
                while loop.sequences.count == 0 { await Task.yield() }
            }
            #expect(hasEnded)
        }
    }
}
