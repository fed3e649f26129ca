import Foundation
import Testing

@testable import Proactor

@Suite struct ConcurrentFutureTests {
    /// Runs `body` on a thread of its own while the loop runs, then stops the loop.
    private func withThread(_ loop: BaseEventLoop, _ body: @escaping @Sendable () throws -> Void) throws {
        let done = loop.createFuture()
        let ending = LoopBound(done, of: loop)
        Thread {
            let result = Result { try body() }
            try? ending.post { done in
                switch result {
                case .success: try done.setResult()
                case .failure(let error): try done.setException(error)
                }
            }
        }.start()
        try loop.runUntilComplete(done)
    }

    @Test(arguments: LoopKind.allCases)
    func aThreadWaitsForTheResultOfATaskOnTheLoop(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try withThread(loop) {
                let future = try loop.runCoroutineThreadSafe {
                    loop.isOnLoopThread
                }
                #expect(try future.result(timeout: TestLimit.wait))
                #expect(try future.result())
                #expect(future.done)
                let failed = try loop.runCoroutineThreadSafe { () -> Int in throw TestError(number: 1) }
                #expect(throws: TestError(number: 1)) { try failed.result() }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aValueThatIsNotSendableIsHandedOverOnce(kind: LoopKind) async throws {
        final class NotSendable {
            var number = 5
        }
        try await kind.withLoop { loop in
            try withThread(loop) {
                let future = try loop.runCoroutineThreadSafe { NotSendable() }
                #expect(try future.result().number == 5)
                #expect(throws: EventLoopError.self) { try future.result() }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aWaitThatIsTooLongEndsInATimeout(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try withThread(loop) {
                let future = try loop.runCoroutineThreadSafe { try await Task.sleep(for: .seconds(3600)) }
                #expect(throws: TimeoutError(timeout: .milliseconds(1))) {
                    try future.result(timeout: .milliseconds(1))
                }
                #expect(future.cancel())
                #expect(!future.cancel())
                #expect(future.cancelled)
                #expect(throws: CancellationError.self) { try future.result() }
            }
            // The task was asked to end.
            try loop.runUntilTasksAreDone()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whoWaitsNoLongerIsForgotten(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try withThread(loop) {
                let future = try loop.runCoroutineThreadSafe { try await Task.sleep(for: .seconds(3600)) }
                for _ in 0..<3 {
                    #expect(throws: TimeoutError.self) { try future.result(timeout: .microseconds(10)) }
                }
                #expect(future.waiterCount == 0)
                future.cancel()
            }
            try loop.runUntilTasksAreDone()
            try loop.runUntilComplete {
                let future = try loop.runCoroutineThreadSafe { 1 }
                #expect(throws: EventLoopError.self) { try future.result() }
                #expect(future.waiterCount == 0)
                #expect(try await future.value() == 1)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTaskElsewhereAwaitsAndItsCancelCancelsTheWork(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let began = loop.createFuture()
            let beginning = LoopBound(began, of: loop)
            let work = Task.detached(priority: .high) {
                try await loop.runCoroutineThreadSafe {
                    try beginning.value.setResult()
                    try await Task.sleep(for: .seconds(3600))
                }.value()
            }
            try loop.runUntilComplete(began)
            work.cancel()
            let ended = try loop.runUntilComplete { await work.result }
            #expect(throws: CancellationError.self) { try ended.get() }
            try loop.runUntilTasksAreDone()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aClosedLoopEndsTheWait(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let future = try loop.runCoroutineThreadSafe { 1 }
            try loop.close()
            #expect(throws: EventLoopError.closed) { try future.result() }
        }
        try await kind.withLoop(abandonsTasks: true) { loop in
            let future = try loop.runCoroutineThreadSafe {
                try await Task.sleep(for: .seconds(3600))
            }
            loop.stop()
            try loop.runForever()
            loop.stop()
            try loop.runForever()
            try loop.close()
            #expect(throws: EventLoopError.closed) { try future.result() }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func blockingTheLoopsOwnThreadIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                let future = try loop.runCoroutineThreadSafe { 1 }
                #expect(throws: EventLoopError.self) { try future.result() }
                #expect(try await future.value() == 1)
            }
        }
    }
}
