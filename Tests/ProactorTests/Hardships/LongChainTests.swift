import Dispatch
import Foundation
import TestSupport
import Testing

@testable import Proactor

/// Chains whose links hold each other are released, cancelled and resolved in constant stack.
///
/// In a process of their own, since what they look for ends it; each on a thread whose stack has room for some thousand
/// calls.
@Suite struct LongChainTests {
    private static let length = 8_000
    private static let kinds = LoopKind.allCases.filter { [.ring, .epoll].contains($0) }

    @Test(.exitTest) func futuresAreReleased() async {
        await #expect(processExitsWith: .success) {
            try Self.onSmallStack { loop, _ in
                Self.dropPending(loop)
                // The same with callbacks that carry a task's values.
                try loop.run { Self.dropPending(loop) }
                try loop.run { Self.dropPending(loop) }
                Self.dropResults(loop)
                Self.dropErrors(loop)
            }
        }
    }

    @Test(.exitTest) func futuresAreResolved() async {
        await #expect(processExitsWith: .success) {
            try Self.onSmallStack { loop, _ in
                for isInTask in [false, true] {
                    for end in [0, 1, 2] {
                        let chain = isInTask ? try loop.run { Self.makeChain(loop) } : Self.makeChain(loop)
                        switch end {
                        case 0: try chain.first.setResult(1)
                        case 1: try chain.first.setException(TestError(number: 1))
                        default: chain.first.cancel()
                        }
                        try loop.turn { chain.last.done }
                        _ = try? chain.last.exception()
                    }
                }
            }
        }
    }

    @Test(.exitTest) func aLoopClosesWithChainsInItsQueues() async {
        await #expect(processExitsWith: .success) {
            for place in 0..<5 {
                try Self.onSmallStack { loop, lives in
                    try Self.leave(chainIn: place, of: loop, lives)
                    try loop.close()
                    // What a task holds that has not ended stays, and so does the loop.
                }
            }
        }
    }

    @Test(.exitTest) func tasksThatWaitForEachOtherAreCancelledAndEnd() async {
        await #expect(processExitsWith: .success) {
            try Self.onSmallStack { loop, _ in
                for isCancelled in [true, false] {
                    let first = loop.createFuture(of: Int.self)
                    var task = loop.createTask { try await first.value() }
                    for _ in 0..<Self.length {
                        let previous = task
                        task = loop.createTask { try await previous.value() + 1 }
                    }
                    // All of them wait.
                    try loop.settle(turns: 4)
                    if isCancelled { task.cancel() } else { first.succeed(0) }
                    let result = Result { try loop.runUntilComplete(task) }
                    if isCancelled {
                        #expect(throws: CancellationError.self) { try result.get() }
                        #expect(first.cancelled)
                    } else {
                        #expect(try result.get() == Self.length)
                    }
                }
            }
        }
    }

    @Test(.exitTest) func boxesAreReleasedOnAnyThread() async {
        await #expect(processExitsWith: .success) {
            try Self.onSmallStack { loop, lives in
                for place in 0..<3 {
                    var last: LoopBound<Link>?
                    for _ in 0..<Self.length {
                        last = LoopBound(Link(last, lives), of: loop)
                    }
                    nonisolated(unsafe) var dropped = last
                    last = nil
                    if place == 2 { try loop.close() }
                    if place == 0 {
                        dropped = nil
                    } else {
                        try Self.onSmallStack { dropped = nil }
                    }
                    if !loop.isClosed { try loop.turn { lives.alive == 0 } }
                    #expect(lives.alive == 0)
                    #expect(dropped == nil)
                }
            }
        }
    }

    @Test(.exitTest) func concurrentFuturesAreReleased() async {
        await #expect(processExitsWith: .success) {
            try Self.onSmallStack { loop, lives in
                var last: ConcurrentFuture<Link>?
                for _ in 0..<Self.length {
                    let next = ConcurrentFuture<Link>(loop: loop)
                    next.finish(.succeeded(Link(last, lives)))
                    last = next
                }
                last = nil
                #expect(lives.alive == 0)
            }
        }
    }

    // MARK: - Chains

    private static func makeChain(_ loop: BaseEventLoop) -> (first: Future<Int>, last: Future<Int>) {
        let first = loop.createFuture(of: Int.self)
        var last = first
        for _ in 0..<length {
            let next = loop.createFuture(of: Int.self)
            last.addDoneCallback { done in
                do { try next.setResult(done.result() + 1) } catch { try next.setException(error) }
            }
            last = next
        }
        return (first, last)
    }

    private static func dropPending(_ loop: BaseEventLoop) {
        _ = makeChain(loop)
    }

    private static func dropResults(_ loop: BaseEventLoop) {
        let lives = LifeCounter()
        var last: Future<Link>?
        for _ in 0..<length {
            let next = loop.createFuture(of: Link.self)
            next.succeed(Link(last, lives))
            last = next
        }
        last = nil
        #expect(lives.alive == 0)
    }

    private static func dropErrors(_ loop: BaseEventLoop) {
        let lives = LifeCounter()
        var last: Future<Int>?
        for _ in 0..<length {
            let next = loop.createFuture(of: Int.self)
            next.fail(LinkError(link: Link(last, lives)))
            _ = try? next.exception()
            last = next
        }
        last = nil
        #expect(lives.alive == 0)
    }

    private static func leave(chainIn place: Int, of loop: BaseEventLoop, _ lives: LifeCounter) throws {
        switch place {
        case 0:
            // The first callback waits in the queue, and holds the rest.
            try makeChain(loop).first.setResult(1)
        case 1:
            try loop.run { try makeChain(loop).first.setResult(1) }
        case 2:
            let chain = makeChain(loop)
            try loop.callLater(.seconds(3600)) { withExtendedLifetime(chain.first) {} }
            try loop.callSoonThreadSafe { withExtendedLifetime(lives) {} }
        case 3:
            // Each callback holds the handle of the one before it.
            var handle = try loop.callSoon {}
            for _ in 0..<length {
                let previous = handle
                handle = try loop.callSoon { previous.cancel() }
            }
        default:
            var timer = try loop.callLater(.seconds(3600)) {}
            for _ in 0..<length {
                let previous = timer
                timer = try loop.callLater(.seconds(3600)) { previous.cancel() }
            }
        }
    }

    // MARK: - Threads

    private static func onSmallStack(
        _ body: @escaping @Sendable (BaseEventLoop, LifeCounter) throws -> Void
    ) throws {
        for kind in kinds {
            try onSmallStack {
                LogCapture.install()
                let loop = try kind.makeLoop()
                try body(loop, LifeCounter())
                try loop.close()
            }
        }
    }

    private static func onSmallStack(_ body: @escaping @Sendable () throws -> Void) throws {
        let outcome = ThreadLock<Result<Void, any Error>?>(nil)
        let end = DispatchSemaphore(value: 0)
        let thread = Thread {
            let result = Result { try body() }
            outcome.withLock { $0 = result }
            end.signal()
        }
        thread.stackSize = 512 * 1024
        thread.start()
        end.wait()
        try outcome.withLock { $0 }?.get()
    }
}

/// Holds the next one, whatever that is.
///
/// `@unchecked Sendable`: nobody looks into it.
private final class Link: @unchecked Sendable {
    private let next: Any?
    private let life: LifeCounter.Object

    init(_ next: Any?, _ lives: LifeCounter) {
        self.next = next
        life = lives.makeObject()
    }
}

private struct LinkError: Error {
    let link: Link
}
