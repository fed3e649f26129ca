import Foundation
import TestSupport
import Testing

@testable import Proactor

@Suite struct FutureTests {
    @Test(arguments: LoopKind.everywhere)
    func itLeavesPendingOnce(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            #expect(!future.done)
            #expect(throws: EventLoopError.self) { try future.result() }
            #expect(throws: EventLoopError.self) { try future.exception() }
            try future.setResult(1)
            #expect(future.done)
            #expect(!future.cancelled)
            #expect(try future.result() == 1)
            #expect(try future.exception() == nil)
            #expect(throws: EventLoopError.self) { try future.setResult(2) }
            #expect(throws: EventLoopError.self) { try future.setException(TestError()) }
            #expect(!future.cancel())
            #expect(try future.result() == 1)
            #expect(future.getLoop() === loop)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aFailedOneThrowsItsError(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            try future.setException(TestError(number: 3))
            #expect(throws: TestError(number: 3)) { try future.result() }
            #expect(try future.exception() as? TestError == TestError(number: 3))
            #expect(!future.cancelled)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aCancelledOneThrowsCancellationError(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            #expect(future.cancel())
            #expect(!future.cancel())
            #expect(future.done)
            #expect(future.cancelled)
            #expect(throws: CancellationError.self) { try future.result() }
            #expect(throws: CancellationError.self) { try future.exception() }
            let other = loop.createFuture()
            try other.setException(CancellationError())
            #expect(other.cancelled)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func doneCallbacksRunInTheNextTurnInOrder(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var ran: [Int] = []
            let future = loop.createFuture(of: Int.self)
            for number in 0..<5 {
                future.addDoneCallback { done in
                    #expect(done === future)
                    ran.append(number)
                }
            }
            try future.setResult(9)
            try loop.callSoon { ran.append(100) }
            // Too late to be among the others, and soon all the same.
            future.addDoneCallback { _ in ran.append(5) }
            #expect(ran.isEmpty)
            loop.stop()
            try loop.runForever()
            #expect(ran == [0, 1, 2, 3, 4, 100, 5])
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aRemovedCallbackDoesNotRunAndLetsGo(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            var ran: [Int] = []
            let future = loop.createFuture()
            let tokens = (0..<4).map { number in
                let object = lives.makeObject()
                return future.addDoneCallback { _ in
                    object.touch()
                    ran.append(number)
                }
            }
            #expect(future.removeDoneCallback(tokens[0]))
            #expect(future.removeDoneCallback(tokens[2]))
            #expect(!future.removeDoneCallback(tokens[2]))
            let other = loop.createFuture()
            other.addDoneCallback { _ in ran.append(9) }
            #expect(!other.removeDoneCallback(tokens[0]))
            #expect(lives.alive == 2)
            try future.setResult()
            #expect(!future.removeDoneCallback(tokens[1]))
            try other.setResult()
            loop.stop()
            try loop.runForever()
            #expect(ran == [1, 3, 9])
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func severalTasksAndCallbacksWaitInOrder(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var order: [String] = []
            let future = loop.createFuture(of: Int.self)
            for name in ["a", "b"] {
                loop.createTask { order.append("\(name)\(try await future.value())") }
            }
            try loop.callSoon {
                future.addDoneCallback { _ in order.append("callback") }
                loop.createTask { order.append("c\(try await future.value())") }
            }
            // In the next turn, after the first step of the task that the callback above starts.
            try loop.callSoon { try loop.callSoon { try future.setResult(7) } }
            let last = loop.createTask { try await future.value() }
            #expect(try loop.runUntilComplete(last) == 7)
            loop.stop()
            try loop.runForever()
            #expect(order == ["a7", "b7", "callback", "c7"])
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func waitingForADoneOneDoesNotSuspend(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            try future.setResult(1)
            var order: [String] = []
            let task = loop.createTask {
                order.append("before")
                _ = try await future.value()
                order.append("after")
            }
            try loop.callSoon { order.append("soon") }
            try loop.runUntilComplete(task)
            #expect(order == ["before", "after", "soon"])
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func cancellingTheTaskThatWaitsCancelsTheFuture(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let future = loop.createFuture()
            let task = loop.createTask { try await future.value() }
            let other = loop.createTask { try await future.value() }
            try loop.callLater(.milliseconds(1)) {
                task.cancel()
                #expect(future.cancelled)
                #expect(!task.done)
            }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(other) }
            #expect(task.cancelled)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aTaskThatIsCancelledAlreadyCancelsWhatItWaitsFor(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let future = loop.createFuture()
            let other = loop.createFuture(of: String.self)
            let task = loop.createTask {
                withUnsafeCurrentTask { $0?.cancel() }
                await #expect(throws: CancellationError.self) { try await future.value() }
                return try await other.value()
            }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(future.cancelled && other.cancelled && task.cancelled)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aCancelAfterTheWaitChangesNothing(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let first = loop.createFuture(of: String.self)
            let task = loop.createTask {
                let text = try await first.value()
                withUnsafeCurrentTask { $0?.cancel() }
                return text
            }
            try loop.callSoon { try loop.callSoon { try first.setResult("done") } }
            #expect(try loop.runUntilComplete(task) == "done")
            #expect(try first.result() == "done")
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelFromAnotherThreadReachesTheFuture(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let future = loop.createFuture()
            let waited = LoopBound(future, of: loop)
            let work = Task.detached(executorPreference: loop) { try await waited.value.value() }
            try loop.callLater(.milliseconds(1)) {
                Thread { work.cancel() }.start()
            }
            let result = try loop.runUntilComplete { await work.result }
            #expect(throws: CancellationError.self) { try result.get() }
            #expect(future.cancelled)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aWaitMayOutlastACancel(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let future = loop.createFuture()
            var asked = 0
            let task = loop.createTask {
                await future.untilDone { asked += 1 }
                // Cancelled already: asked at once, and it is waited for all the same.
                let next = loop.createFuture()
                try loop.callSoon { try next.setResult() }
                await next.untilDone {
                    #expect(!next.done)
                    asked += 1
                }
                #expect(next.done && Task.isCancelled)
            }
            try loop.settle(turns: 3)
            task.cancel()
            try loop.settle(turns: 3)
            #expect(asked == 1 && !task.done)
            try future.setResult()
            try loop.runUntilComplete(task)
            #expect(asked == 2)
        }
    }

    /// Used on the loop's thread only.
    private final class Asked: @unchecked Sendable {
        var count = 0
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelFromElsewhereThatComesTooLateChangesNothing(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let bound = LoopBound(future, of: loop)
            let asked = Asked()
            let first = Task.detached(executorPreference: loop) { try await bound.value.value() }
            let second = Task.detached(executorPreference: loop) {
                await bound.value.untilDone { asked.count += 1 }
            }
            try loop.settle(turns: 3)
            // The loop's thread stands still until the cancels are in its inbox, behind which the result comes.
            let areCancelled = DispatchSemaphore(value: 0)
            Thread {
                first.cancel()
                second.cancel()
                areCancelled.signal()
            }.start()
            areCancelled.wait()
            try future.setResult(7)
            #expect(try loop.run { try await first.value } == 7)
            try loop.run { await second.value }
            #expect(asked.count == 0)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func anErrorNobodyLookedAtIsReportedWhenTheFutureGoes(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var reported: [TestError?] = []
            loop.setExceptionHandler { _, context in reported.append(context.error as? TestError) }
            do {
                let seen = loop.createFuture()
                try seen.setException(TestError(number: 1))
                _ = try seen.exception()
                let thrown = loop.createFuture()
                try thrown.setException(TestError(number: 2))
                #expect(throws: TestError.self) { try thrown.result() }
                let cancelled = loop.createFuture()
                cancelled.cancel()
            }
            #expect(reported.isEmpty)
            try loop.createFuture().setException(TestError(number: 3))
            #expect(reported == [TestError(number: 3)])
            loop.setExceptionHandler(nil)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func theReportOfAnUnseenErrorSaysWhose(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var reported: [any AnyFuture] = []
            loop.setExceptionHandler { _, context in
                if let future = context.future { reported.append(future) }
            }
            try loop.createFuture().setException(TestError(number: 3))
            loop.createTask(name: "lonely") { throw TestError(number: 4) }
            try loop.settle(turns: 3)
            loop.setExceptionHandler(nil)
            try #require(reported.count == 2)
            for (number, future) in zip([3, 4], reported) {
                #expect(future.done && !future.cancelled && !future.cancel())
                #expect(try future.exception() as? TestError == TestError(number: number))
                #expect(future.getLoop() === loop)
            }
            #expect("\(reported[0])".contains("failed") && "\(reported[1])".contains("lonely"))
            #expect((reported[1] as? any AnyLoopTask)?.name == "lonely")
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aFutureReleasedOnAnotherThreadReportsOnTheLoop(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let handlerRan = loop.createFuture(of: Bool.self)
            loop.setExceptionHandler { _, _ in try handlerRan.setResult(loop.isOnLoopThread) }
            var future: Future<Int>? = loop.createFuture(of: Int.self)
            try future?.setException(TestError(number: 4))
            // The only reference moves to the thread.
            nonisolated(unsafe) let reference = Unmanaged.passRetained(future!)
            future = nil
            Thread { reference.release() }.start()
            #expect(try loop.runUntilComplete(handlerRan))
            loop.setExceptionHandler(nil)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aSecondOutcomeMayBeTried(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let first = loop.createFuture(of: Int.self)
            #expect(first.trySetResult(1) && !first.trySetResult(2))
            #expect(!first.trySetException(TestError(number: 2)))
            let result = try first.result()
            #expect(result == 1)
            let failed = loop.createFuture()
            #expect(failed.trySetException(TestError(number: 1)) && !failed.trySetResult())
            #expect(throws: TestError(number: 1)) { try failed.result() }
            let cancelled = loop.createFuture()
            #expect(cancelled.trySetException(CancellationError()) && cancelled.cancelled)
            // A task's function says what it comes to.
            let task = loop.createTask { 7 }
            #expect(!task.trySetResult(8) && !task.trySetException(TestError(number: 8)))
            #expect(try loop.runUntilComplete(task) == 7)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func onAClosedLoopCallbacksAreDropped(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            let future = loop.createFuture()
            future.addDoneCallback { [object = lives.makeObject()] _ in object.touch() }
            try loop.close()
            future.addDoneCallback { [object = lives.makeObject()] _ in object.touch() }
            try future.setResult()
            #expect(lives.alive == 0)
        }
    }

    @Test(.exitTest) func settingAResultFromAnotherThreadEndsTheProgram() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let loop = try SelectorEventLoop()
            loop.stop()
            try loop.runForever()
            nonisolated(unsafe) let future = loop.createFuture()
            _ = try await onThread { try future.setResult() }
        }
        #expect(result.ended(saying: "Future.setResult was called from a thread"))
    }
}
