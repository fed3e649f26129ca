import Dispatch
import Foundation
import TestSupport
import Testing

@testable import Proactor

/// Where the steps of a task run: the Swift runtime decides it, so it is tested.
@Suite struct TaskExecutionTests {
    @Test(arguments: LoopKind.allCases)
    func aBodyIsOnTheLoopsThreadAfterAllThatItAwaits(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                func check(_ what: Comment, sourceLocation: SourceLocation = #_sourceLocation) {
                    #expect(loop.isOnLoopThread, what, sourceLocation: sourceLocation)
                }
                check("at first")
                await helper(loop)
                check("after an async function")
                async let child = { () async -> Bool in loop.isOnLoopThread }()
                let childIsOnLoop = await child
                #expect(childIsOnLoop)
                check("after async let")
                let groupIsOnLoop = await withTaskGroup(of: Bool.self) { group in
                    for _ in 0..<3 { group.addTask { loop.isOnLoopThread } }
                    return await group.allSatisfy { $0 }
                }
                #expect(groupIsOnLoop)
                check("after a task group")
                try await Task.sleep(for: .milliseconds(1))
                check("after a sleep")
                await Task.yield()
                check("after a yield")
                await withCheckedContinuation { continuation in
                    Thread { continuation.resume() }.start()
                }
                check("after a continuation that another thread resumed")
                let isElsewhere = await Task.detached(priority: .high) { !loop.isOnLoopThread }.value
                #expect(isElsewhere)
                check("after a detached task")
            }
        }
    }

    private func helper(_ loop: BaseEventLoop) async {
        #expect(loop.isOnLoopThread)
        await Task.yield()
        #expect(loop.isOnLoopThread)
    }

    private final class QueueExecutor: SerialExecutor {
        private let queue = DispatchQueue(label: "foreign")

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
        }
    }

    /// An actor with a thread of its own.
    private actor Foreign {
        private let executor = QueueExecutor()
        nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

        func isElsewhere(than loop: BaseEventLoop) -> Bool { !loop.isOnLoopThread }

        func fail() throws -> Int { throw TestError(number: 1) }
    }

    private actor Ordinary {
        var number = 0
        func add() -> Int {
            number += 1
            return number
        }
    }

    /// An actor of a loop.
    private actor OnLoop {
        let loop: BaseEventLoop
        nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
        private var number = 0

        init(loop: BaseEventLoop) {
            self.loop = loop
        }

        func add() throws -> Int {
            loop.preconditionIsolated()
            #expect(loop.isOnLoopThread)
            // What belongs to the loop's thread can be used here.
            try loop.callSoon {}
            number += 1
            return number
        }

        /// The result is there before the future is waited for: an actor's task gets to wait by the ready queue.
        func waitForWhatComesNext() async throws -> Int {
            let future = loop.createFuture(of: Int.self)
            try loop.callSoon { try future.setResult(4) }
            return try await future.value()
        }

        func wait(for future: LoopBound<Future<Int>>) async throws -> Int {
            let value = try await future.value.value()
            #expect(loop.isOnLoopThread)
            return value
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aForeignActorRunsElsewhereAndTheTaskComesBack(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let foreign = Foreign()
            try loop.runUntilComplete {
                let isElsewhere = await foreign.isElsewhere(than: loop)
                #expect(isElsewhere)
                #expect(loop.isOnLoopThread)
            }
            // The task's last step is in the actor: its outcome is set on the loop's thread all the same.
            let last = loop.createTask { await foreign.isElsewhere(than: loop) }
            #expect(try loop.runUntilComplete(last))
            #expect(throws: TestError(number: 1)) { try loop.runUntilComplete { try await foreign.fail() } }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anOrdinaryActorCanBeUsed(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let ordinary = Ordinary()
            let number = try loop.runUntilComplete {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<100 { group.addTask { _ = await ordinary.add() } }
                }
                #expect(loop.isOnLoopThread)
                return await ordinary.number
            }
            #expect(number == 100)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anActorWhoseExecutorIsTheLoopRunsOnIt(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let actor = OnLoop(loop: loop)
            #expect(try loop.runUntilComplete { try await actor.add() } == 1)
            let elsewhere = Task.detached(priority: .high) { try await actor.add() }
            #expect(try loop.runUntilComplete { try await elsewhere.value } == 2)
            let future = loop.createFuture(of: Int.self)
            let bound = LoopBound(future, of: loop)
            let waiter = Task.detached(priority: .high) { try await actor.wait(for: bound) }
            try loop.callLater(.milliseconds(1)) { try future.setResult(3) }
            #expect(try loop.runUntilComplete { try await waiter.value } == 3)
            #expect(try loop.runUntilComplete { try await actor.waitForWhatComesNext() } == 4)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aLoopRunsWithinATaskOfAnotherExecutor(kind: LoopKind) async throws {
        // As in an async main: the outer task's step lasts as long as the loop runs.
        let loop = try kind.makeLoop()
        defer { try? loop.close() }
        func runNested() throws -> [Int] {
            var order: [Int] = []
            try loop.callSoon { order.append(1) }
            try loop.runUntilComplete(
                loop.createTask {
                    order.append(2)
                    try await Task.sleep(for: .milliseconds(1))
                    order.append(3)
                }
            )
            return order
        }
        #expect(try runNested() == [1, 2, 3])
        #expect(withUnsafeCurrentTask { $0 != nil })
    }

    @Test(.exitTest) func aBodyOfTheMainActorIsRefusedByCreateTask() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            try await MainActor.run {
                let loop = try SelectorEventLoop()
                loop.createTask { print("never printed") }
            }
        }
        #expect(result.ended(saying: "isolated to MainActor"))
    }

    @Test(.exitTest) func mainActorCodeMayRunALoop() async {
        await #expect(processExitsWith: .success) {
            try await MainActor.run {
                let loop = try SelectorEventLoop()
                defer { try? loop.close() }
                let isOnLoop = try loop.runUntilComplete {
                    try await Task.sleep(for: .milliseconds(1))
                    return loop.isOnLoopThread
                }
                guard isOnLoop else { throw TestError(number: 1) }
                let options = RunnerOptions(loopFactory: { try SelectorEventLoop() })
                guard try run(options: options, { 5 }) == 5 else { throw TestError(number: 2) }
            }
        }
    }
}
