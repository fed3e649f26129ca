import Dispatch
import Foundation
import TestSupport
import Testing

@testable import Proactor

@Suite struct LoopBoundTests {
    private final class Counter {
        var number = 0
    }

    /// Tells on which thread it goes.
    private final class Witness {
        let loop: BaseEventLoop
        let released: Future<Bool>

        init(loop: BaseEventLoop, released: Future<Bool>) {
            self.loop = loop
            self.released = released
        }

        deinit { try? released.setResult(loop.isOnLoopThread) }
    }

    @Test(arguments: LoopKind.allCases)
    func itOpensOnTheLoopAndIsReachedFromAnywhere(kind: LoopKind) async throws {
        try await kind.withLoop { loop throws in
            let bound = LoopBound(Counter(), of: loop)
            bound.withValue { $0.number += 1 }
            #expect(bound.value.number == 1)
            let posted = Task.detached(priority: .high) {
                try bound.post { $0.number += 10 }
                return try await bound.run { counter in
                    await Task.yield()
                    counter.number += 100
                    return counter.number
                }
            }
            #expect(try loop.runUntilComplete { try await posted.value } == 111)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func itTakesTheLoopThatRunsNow(kind: LoopKind) async throws {
        try await kind.withLoop { loop throws in
            let number = try loop.runUntilComplete {
                let running: any AbstractEventLoop = try getRunningLoop()
                return try await LoopBound(7, of: running).run { $0 }
            }
            #expect(number == 7)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatIsInItIsReleasedOnTheLoopsThread(kind: LoopKind) async throws {
        try await kind.withLoop { loop throws in
            let released = loop.createFuture(of: Bool.self)
            // The only reference moves to the thread.
            let reference = Unmanaged.passRetained(
                LoopBound(Witness(loop: loop, released: released), of: loop)
            )
            Thread { reference.release() }.start()
            #expect(try loop.runUntilComplete(released))
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aLoopThatClosesBeforeTheReleaseRunsLeaksNothing(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            let reference = Unmanaged.passRetained(LoopBound(lives.makeObject(), of: loop))
            let released = DispatchSemaphore(value: 0)
            Thread {
                reference.release()
                released.signal()
            }.start()
            released.wait()
            #expect(lives.alive == 1)
            try loop.close()
            #expect(lives.alive == 0)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func postingToAClosedLoopThrows(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let bound = LoopBound(Counter(), of: loop)
            try loop.close()
            #expect(throws: EventLoopError.closed) { try bound.post { $0.number += 1 } }
        }
    }

    @Test(.exitTest) func openedElsewhereItEndsTheProgram() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let loop = try SelectorEventLoop()
            loop.stop()
            try loop.runForever()
            let bound = LoopBound(1, of: loop)
            _ = try await onThread { bound.value }
        }
        #expect(result.ended(saying: "LoopBound.value was called from a thread"))
    }
}
