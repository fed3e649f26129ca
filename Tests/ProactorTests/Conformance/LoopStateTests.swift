import Dispatch
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Proactor
@testable import ProactorTesting

/// What other threads may ask of a loop, and do with it, besides posting.
@Suite struct LoopStateTests {
    @Test(arguments: LoopKind.allCases)
    func anyThreadMayAskForTheState(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let wasRunning = Atomic<Bool>(false)
            let ends = DispatchSemaphore(value: 0)
            for _ in 0..<2 {
                Thread.detachNewThread {
                    while !loop.isClosed {
                        if loop.isRunning { wasRunning.store(true, ordering: .relaxed) }
                        sched_yield()
                    }
                    ends.signal()
                }
            }
            try loop.turn { wasRunning.load(ordering: .relaxed) }
            try loop.close()
            for _ in 0..<2 { ends.wait() }
            #expect(!loop.isRunning)
        }
    }

    /// One of them closes it, when the loop's own thread has ended.
    @Test(arguments: LoopKind.allCases)
    func twoThreadsMayCloseIt(kind: LoopKind) async throws {
        let lives = LifeCounter()
        _ = try await onThread {
            let loop = try kind.makeLoop()
            // Pooled threads do not end: one of its own does.
            let ran = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                let object = lives.makeObject()
                try? loop.turn()
                _ = try? loop.callSoon { object.touch() }
                ran.signal()
            }
            ran.wait()
            let ends = DispatchSemaphore(value: 0)
            for _ in 0..<2 {
                Thread.detachNewThread {
                    // The thread may be about to end.
                    while (try? loop.close()) == nil { sched_yield() }
                    ends.signal()
                }
            }
            for _ in 0..<2 { ends.wait() }
            #expect(loop.isClosed)
        }
        #expect(lives.alive == 0)
    }

    /// A time-out on another thread goes by the clock of the loop's kernel.
    @Test func aConcurrentFutureGoesByTheLoopsClock() async throws {
        _ = try await onThread {
            let inner = try SelectorBackend(kind: .epoll)
            let system = SlowClock(inner.system)
            let loop = BaseEventLoop(backend: ForwardingBackend(inner, system: system), label: "slow clock")
            let future = ConcurrentFuture<Int>(loop: loop)
            #expect(throws: TimeoutError(timeout: .milliseconds(1))) {
                try future.result(timeout: .milliseconds(1))
            }
            #expect(system.readings.load(ordering: .relaxed) == SlowClock.readingsAtStart + 1)
            #expect(future.waiterCount == 0)
            try loop.close()
        }
    }
}

/// Stands still for some readings.
///
/// `@unchecked Sendable`: the count is atomic.
private final class SlowClock: ForwardingSystemCalls, @unchecked Sendable {
    static let readingsAtStart = 5
    let readings = Atomic<Int>(0)

    override func now() -> LoopInstant {
        let reading = readings.add(1, ordering: .relaxed).newValue
        return LoopInstant(nanoseconds: reading > Self.readingsAtStart ? 1_000_000_000 : 0)
    }
}
