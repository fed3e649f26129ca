import Dispatch
import Foundation
import Testing

@testable import Proactor

/// Calls run in the order in which they were registered, whichever way they came in.
@Suite struct RegistrationOrderTests {
    // Behaviours 1 and 5
    @Test(arguments: LoopKind.everywhere)
    func aPostedCallIsNotOvertaken(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let seen = Names()
            try loop.callSoonThreadSafe { seen.add("posted first") }
            try loop.callSoon { seen.add("soon, second") }
            try loop.callSoonThreadSafe { seen.add("posted third") }
            try loop.callSoon { seen.add("soon, fourth") }
            try loop.turn()
            #expect(seen.all == ["posted first", "soon, second", "posted third", "soon, fourth"])
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func norWithinACallback(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let seen = Names()
            let done = loop.createFuture()
            done.addDoneCallback { _ in seen.add("done") }
            try loop.callSoon {
                try loop.callSoonThreadSafe { seen.add("posted") }
                try done.setResult()
                try loop.callSoonThreadSafe { seen.add("posted again") }
                loop.createTask { seen.add("task") }
                try loop.callSoonThreadSafe { seen.add("posted last") }
                try loop.callLater(.zero) { seen.add("timer") }
                seen.add("callback")
            }
            try loop.turn()
            // What is added in a turn runs in the next.
            #expect(seen.all == ["callback"])
            try loop.turn { seen.all.contains("timer") }
            #expect(
                seen.all == ["callback", "posted", "done", "posted again", "task", "posted last", "timer"]
            )
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func norWithinATask(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let seen = Names()
            try loop.run {
                try loop.callSoonThreadSafe { seen.add("posted") }
                try loop.callSoon { seen.add("soon") }
                _ = try loop.runCoroutineThreadSafe { seen.add("coroutine") }
                try loop.callSoon { try loop.callSoon { seen.add("soon after") } }
                while seen.all.count < 4 { await Task.yield() }
            }
            #expect(seen.all == ["posted", "soon", "coroutine", "soon after"])
        }
    }

    /// Another thread posts, and is waited for: its call comes first.
    @Test(arguments: LoopKind.allCases)
    func aThreadThatIsWaitedForComesFirst(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let seen = Names()
            func post(_ name: String) {
                let posted = DispatchSemaphore(value: 0)
                Thread.detachNewThread {
                    try? loop.callSoonThreadSafe { seen.add(name) }
                    posted.signal()
                }
                posted.wait()
            }
            for number in 0..<20 {
                post("posted \(number)")
                try loop.callSoon {
                    seen.add("soon \(number)")
                    post("posted within \(number)")
                    try loop.callSoon { seen.add("soon within \(number)") }
                }
            }
            try loop.turn { seen.all.count == 80 }
            let first = (0..<20).flatMap { ["posted \($0)", "soon \($0)"] }
            let second = (0..<20).flatMap { ["posted within \($0)", "soon within \($0)"] }
            #expect(seen.all == first + second)
        }
    }

    /// A task of the loop that another thread resumes.
    @Test(arguments: LoopKind.allCases)
    func aTaskThatAnotherThreadResumesComesFirst(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let seen = Names()
            let waiting = ThreadLock<UnsafeContinuation<Void, Never>?>(nil)
            let task = loop.createTask {
                await withUnsafeContinuation { continuation in
                    waiting.withLock { $0 = continuation }
                }
                seen.add("task")
            }
            try loop.turn { waiting.withLock { $0 != nil } }
            let resumed = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                waiting.withLock { $0?.resume() }
                resumed.signal()
            }
            resumed.wait()
            try loop.callSoon { seen.add("soon") }
            try loop.runUntilComplete(task)
            try loop.turn()
            #expect(seen.all == ["task", "soon"])
        }
    }

    /// Timers that are due run behind what was posted and scheduled before.
    @Test(arguments: LoopKind.everywhere)
    func timersThatAreDueComeBehindWhatWasThere(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let seen = Names()
            try loop.callSoonThreadSafe { seen.add("posted") }
            try loop.callAt(loop.time()) { seen.add("timer") }
            try loop.callSoon { seen.add("soon") }
            try loop.turn { seen.all.count == 3 }
            #expect(seen.all == ["posted", "soon", "timer"])
        }
    }
}

/// `@unchecked Sendable`: guarded by the lock.
private final class Names: @unchecked Sendable {
    private let names = ThreadLock<[String]>([])

    var all: [String] { names.withLock { $0 } }

    func add(_ name: String) {
        names.withLock { $0.append(name) }
    }
}
