import Testing

@testable import Proactor

@Suite struct TaskTests {
    @Test(arguments: LoopKind.allCases)
    func theFirstStepRunsInOrderWithCallSoon(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var order: [Int] = []
            try loop.callSoon { order.append(0) }
            loop.createTask { order.append(1) }
            try loop.callSoon { order.append(2) }
            loop.createTask { order.append(3) }
            try loop.callSoon {
                loop.createTask { order.append(5) }
                try loop.callSoon { order.append(6) }
                order.append(4)
            }
            #expect(order.isEmpty)
            loop.stop()
            try loop.runForever()
            #expect(order == [0, 1, 2, 3, 4])
            loop.stop()
            try loop.runForever()
            #expect(order == [0, 1, 2, 3, 4, 5, 6])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aLoopSetUpOnAnotherThreadKeepsTheOrder(kind: LoopKind) async throws {
        let made = try await onThread { try kind.makeLoop() }
        let loop = try #require(made)
        let order = try await onThread {
            var order: [Int] = []
            try loop.callSoon { order.append(0) }
            loop.createTask { order.append(1) }
            try loop.callSoon { order.append(2) }
            loop.stop()
            try loop.runForever()
            try loop.close()
            return order
        }
        #expect(order == [0, 1, 2])
    }

    @Test(arguments: LoopKind.allCases)
    func namesAreGivenOrCounted(kind: LoopKind) async throws {
        try await kind.withLoop { loop throws in
            let named = loop.createTask(name: "reader") { Task.name }
            let counted = loop.createTask {}
            #expect(named.name == "reader")
            #expect(counted.name.hasPrefix("Task-"))
            counted.setName("writer")
            #expect(counted.name == "writer")
            #expect(try loop.runUntilComplete(named) == "reader")
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theOutcomeIsTheFunctions(kind: LoopKind) async throws {
        try await kind.withLoop { loop throws in
            let value = loop.createTask { 5 }
            let failure = loop.createTask { throw TestError(number: 2) }
            let cancellation = loop.createTask { throw CancellationError() }
            #expect(throws: EventLoopError.self) { try value.setResult(1) }
            #expect(throws: EventLoopError.self) { try value.setException(TestError()) }
            #expect(try loop.runUntilComplete(value) == 5)
            #expect(throws: TestError(number: 2)) { try failure.result() }
            #expect(cancellation.cancelled)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func cancelledBeforeItsFirstStepItNeverBegins(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            var began = false
            let task = loop.createTask { [object = lives.makeObject()] in
                object.touch()
                began = true
            }
            #expect(task.cancel())
            #expect(!task.done)
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(!began)
            #expect(task.cancelled)
            #expect(!task.cancel())
            #expect(lives.alive == 0)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTaskMayIgnoreItsCancel(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let future = loop.createFuture()
            let task = loop.createTask {
                do { try await future.value() } catch is CancellationError { return "cleaned up" }
                return "not cancelled"
            }
            try loop.callLater(.milliseconds(1)) {
                task.cancel()
                task.cancel()
            }
            #expect(try loop.runUntilComplete(task) == "cleaned up")
            #expect(!task.cancelled)
            #expect(task.cancelling() == 2)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func cancellingATaskCancelsTheTaskThatItAwaits(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let inner = loop.createTask { try await Task.sleep(for: .seconds(3600)) }
            let outer = loop.createTask { try await inner.value() }
            try loop.callLater(.milliseconds(1)) { outer.cancel() }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(outer) }
            #expect(inner.cancelled)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theCurrentTaskIsSeenInItAndInItsChildrenOnly(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            #expect(try currentTask(loop) == nil)
            var seen: [String?] = []
            let task = loop.createTask(name: "one") {
                seen.append(try currentTask()?.name)
                async let child = currentTask(loop)?.name
                seen.append(try await child)
                try await Task.sleep(for: .milliseconds(1))
                seen.append(try currentTask()?.name)
                try loop.callSoon { seen.append(try currentTask()?.name) }
                let inner = loop.createTask(name: "two") { try currentTask()?.name }
                seen.append(try await inner.value())
            }
            try loop.runUntilComplete(task)
            #expect(seen == ["one", "one", "one", nil, "two"])
            #expect(throws: EventLoopError.noRunningLoop) { try currentTask() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func allTasksAreThoseThatAreNotDone(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let future = loop.createFuture()
            let waiting = loop.createTask(name: "waiting") { try await future.value() }
            let quick = loop.createTask(name: "quick") {}
            #expect(try allTasks(loop).map(\.name).sorted() == ["quick", "waiting"])
            try loop.runUntilComplete(quick)
            #expect(try allTasks(loop).map(\.name) == ["waiting"])
            try future.setResult()
            try loop.runUntilComplete(waiting)
            #expect(try allTasks(loop).isEmpty)
            #expect(loop.tasks.count == 0)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTaskFactoryMakesTheTasks(kind: LoopKind) async throws {
        final class Naming: TaskFactory {
            var made = 0

            func makeTask<Value>(
                on loop: BaseEventLoop,
                name: String?,
                _ body: @escaping @isolated(any) () async throws -> Value
            ) -> LoopTask<Value> {
                made += 1
                return LoopTask(on: loop, name: "made-\(made)", body)
            }
        }
        try await kind.withLoop { loop throws in
            let factory = Naming()
            loop.taskFactory = factory
            let task = loop.createTask { 1 }
            #expect(task.name == "made-1")
            #expect(try loop.runUntilComplete { 2 } == 2)
            #expect(factory.made == 2)
            loop.taskFactory = nil
            #expect(try loop.runUntilComplete(task) == 1)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anErrorOfATaskThatNobodyLookedAtIsReported(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var messages: [String] = []
            loop.setExceptionHandler { _, context in messages.append(context.message) }
            loop.createTask(name: "careless") { throw TestError() }
            loop.stop()
            try loop.runForever()
            #expect(messages.count == 1)
            #expect(messages.first?.contains("careless") == true)
            loop.setExceptionHandler(nil)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func manyFinishedTasksLeaveNothingBehind(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            for _ in 0..<500 {
                loop.createTask { [object = lives.makeObject()] in
                    await Task.yield()
                    object.touch()
                }
            }
            try loop.runUntilComplete {
                while try allTasks().count > 1 { await Task.yield() }
            }
            #expect(lives.alive == 0)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func inDebugModeClosingNamesTheTasksThatWerePending(kind: LoopKind) async throws {
        try await kind.withLoop(abandonsTasks: true) { loop in
            loop.debug = true
            loop.createTask(name: "forgotten") { try await Task.sleep(for: .seconds(3600)) }
            loop.stop()
            try loop.runForever()
            let lines = try LogCapture.lines { try loop.close() }
            #expect(lines.contains { $0.contains("forgotten") })
        }
    }
}
