import Glibc
import Testing

@testable import Proactor

@Suite struct EventLoopGroupTests {
    @Test(arguments: LoopKind.allCases)
    func eachLoopRunsOnANamedThreadOfItsOwn(kind: LoopKind) async throws {
        try await kind.withGroup(loopCount: 3, name: "a-rather-long-name") { group in
            let threads = try await group.runOnEach { loop in
                let running = try getRunningLoop()
                #expect(running === loop)
                return ThreadFacts.current
            }
            #expect(threads.map(\.name) == ["a-rather-long-0", "a-rather-long-1", "a-rather-long-2"])
            #expect(Set(threads.map(\.number)).count == 3)
            let again = try await group.runOnEach { _ in ThreadFacts.current }
            #expect(again == threads)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func nextGoesRoundAndAnyLoopStaysWhereItIs(kind: LoopKind) async throws {
        try await kind.withGroup(loopCount: 3) { group in
            let loops = group.loops
            #expect(group.count == 3 && loops.count == 3)
            let order = (0..<7).map { _ in group.next() }
            #expect(order.enumerated().allSatisfy { index, loop in loops[index % 3] === loop })
            let stays = try await group.runOnEach { loop in
                (0..<3).allSatisfy { _ in group.anyLoop() === loop }
            }
            #expect(stays == [true, true, true])
            #expect(group.anyLoop() === loops[1])
            #expect(group.anyLoop() === loops[2])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whenABodyThrowsTheOthersAreCancelled(kind: LoopKind) async throws {
        try await kind.withGroup(loopCount: 3) { group in
            let last = group.loops[2]
            await #expect(throws: TestError(number: 2)) {
                try await group.runOnEach { loop in
                    if loop === last { throw TestError(number: 2) }
                    try await Task.sleep(for: .seconds(3600))
                }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func cancellingCancelsEveryBody(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let cancelled = Record<ThreadFacts>()
            let begun = Record<ThreadFacts>()
            let task = Task(priority: .high) {
                try await group.runOnEach { _ in
                    begun.append(.current)
                    do {
                        try await Task.sleep(for: .seconds(3600))
                    } catch {
                        cancelled.append(.current)
                    }
                }
            }
            try await eventually { begun.entries.count == 2 }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try await eventually { Set(cancelled.entries).count == 2 }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aStrayStopEndsNoLoop(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            for _ in 0..<5 { _ = try await group.runOnEach { $0.stop() } }
            let numbers = try await group.runOnEach { _ in 7 }
            #expect(numbers == [7, 7])
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func threadsCanBePinned(kind: LoopKind) async throws {
        let allowed = ProcessorAffinity.allowed
        #expect(!allowed.isEmpty)
        let last = try #require(allowed.last)
        let count = allowed.count + 1
        let round = (0..<count).map { [allowed[$0 % allowed.count]] }
        let cases: [(ThreadPinning, [[Int]])] = [
            (.none, Array(repeating: allowed, count: count)),
            (.onePerProcessor, round),
            (.processors([last]), Array(repeating: [last], count: count)),
        ]
        for (pinning, expected) in cases {
            var options = EventLoopGroupOptions(loopCount: count)
            options.makeLoop = { _ in try kind.makeLoop() }
            options.pinning = pinning
            let group = try EventLoopGroup(options)
            let found = try await group.runOnEach { _ in ProcessorAffinity.allowed }
            #expect(found == expected)
            await group.shutdownGracefully(timeout: .zero)
        }
    }

    /// A thread inherits where it may run: blocking work would have to share its loop's processor.
    @Test(arguments: LoopKind.allCases)
    func pinnedLoopsDoBlockingWorkOnAnyProcessor(kind: LoopKind) async throws {
        let allowed = ProcessorAffinity.allowed
        var options = EventLoopGroupOptions(loopCount: 1)
        options.makeLoop = { _ in try kind.makeLoop() }
        options.pinning = .processors([try #require(allowed.last)])
        let group = try EventLoopGroup(options)
        let found = try await group.runOnEach { loop in
            try await loop.runInExecutor { ProcessorAffinity.allowed }
        }
        #expect(found == [allowed])
        await group.shutdownGracefully(timeout: .zero)
    }

    // MARK: - What fails

    @Test(arguments: LoopKind.everywhere, [false, true])
    func aLoopThatCannotBeHadLeavesNothing(kind: LoopKind, failsToStart: Bool) async throws {
        LogCapture.install()
        let made = Record<WeakLoop>()
        let name = "gone-\(kind)-\(failsToStart ? 1 : 0)"
        var options = EventLoopGroupOptions(loopCount: 4, name: name)
        options.makeLoop = { index in
            if index == 2, !failsToStart { throw TestError(number: 2) }
            let (loop, backend) = try kind.makeFaultyLoop()
            if index == 2 { backend.startFailure = .disabledBySysctl(value: 2) }
            made.append(WeakLoop(loop))
            return loop
        }
        let error = #expect(throws: EventLoopGroupError.self) { try EventLoopGroup(options) }
        guard case .cannotMakeLoop(index: 2, let reason) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        if failsToStart {
            #expect(reason as? EventLoopError == .ringUnavailable(.disabledBySysctl(value: 2)))
        } else {
            #expect(reason as? TestError == TestError(number: 2))
        }
        for loop in made.entries { try await loop.waitUntilReleased(sourceLocation: #_sourceLocation) }
        let shortName = SystemThread.name(name, number: 0).dropLast()
        try await eventually { try threadNames().allSatisfy { !$0.hasPrefix(shortName) } }
    }

    /// The kernel keeps 15 bytes of it, and C none from a zero on.
    @Test func aThreadsNameKeepsItsNumber() {
        #expect(SystemThread.name("http", number: 3) == "http-3")
        #expect(SystemThread.name("a very long name", number: 12) == "a very long -12")
        #expect(SystemThread.name("http\0server", number: 3) == "http-3")
    }

    @Test func optionsThatMeanNothingAreRefused() async throws {
        var options = EventLoopGroupOptions(loopCount: 0)
        var error = #expect(throws: EventLoopGroupError.self) { try EventLoopGroup(options) }
        #expect(isAboutOptions(error))
        options.loopCount = 1
        options.pinning = .processors([])
        error = #expect(throws: EventLoopGroupError.self) { try EventLoopGroup(options) }
        #expect(isAboutOptions(error))
        options.pinning = .processors([-1])
        error = #expect(throws: EventLoopGroupError.self) { try EventLoopGroup(options) }
        guard case .cannotPin(index: 0, processor: -1, .invalidArgument) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
    }

    private func isAboutOptions(_ error: EventLoopGroupError?) -> Bool {
        if case .invalidOptions = error { true } else { false }
    }

    /// The names of this process's threads.
    private func threadNames() throws -> [String] {
        let directory = try #require(opendir("/proc/self/task"))
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let number = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            // A thread may have ended since it was listed.
            if let name = ThreadFacts.name(ofThread: number) { names.append(name) }
        }
        return names
    }
}
