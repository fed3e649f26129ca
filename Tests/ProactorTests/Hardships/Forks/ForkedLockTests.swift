import CPosix
import Dispatch
import Foundation
import Glibc
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Proactor
@testable import ProactorTesting

/// A thread that does not exist in a fork's child holds a lock there for ever.
@Suite struct ForkedLockTests {
    @Test(.exitTest) func closingDoesNotWaitForWhoPosts() async {
        await #expect(processExitsWith: .success) {
            for kind in LoopKind.allCases {
                try await kind.withLoop { loop in
                    try loop.turn()
                    let gate = HeldThread()
                    gate.hold { wait in
                        _ = loop.inbox.post(by: {
                            wait()
                            return .empty
                        })
                    }
                    #expect(Self.statusOfClosing(loop) == 0)
                    gate.letGo()
                    try loop.turn()
                }
            }
        }
    }

    @Test(.exitTest) func closingDoesNotWaitForWhoWakesTheLoop() async {
        await #expect(processExitsWith: .success) {
            for kind in LoopKind.allCases {
                _ = try await onThread {
                    let gate = HeldThread()
                    let inner = try kind.makeBackend()
                    let loop = BaseEventLoop(backend: BackendWithWaker(inner, waker: gate), label: "held")
                    try loop.turn()
                    // As a loop on its way into a wait.
                    _ = loop.inbox.prepareToSleep()
                    gate.hold { _ in try? loop.callSoonThreadSafe {} }
                    #expect(Self.statusOfClosing(loop) == 0)
                    gate.letGo()
                    try loop.close()
                }
            }
        }
    }

    /// The pool itself is of use in the child: with threads of its own.
    @Test(.exitTest) func closingDoesNotWaitForWhoUsesTheExecutor() async {
        await #expect(processExitsWith: .success) {
            for kind in LoopKind.allCases {
                try await kind.withLoop { loop in
                    let gate = HeldThread()
                    let parent = getpid()
                    let pool = ThreadPool(name: "held", threadsMax: 1, idleTimeout: .seconds(60)) {
                        name,
                        body throws(Errno) in
                        // The pool's lock is held here.
                        if getpid() == parent { gate.wake() }
                        try SystemThread.start(name: name, body)
                    }
                    try loop.setDefaultExecutor(pool)
                    gate.hold { _ in try? pool.submit {} }
                    let status = statusOfFork {
                        guard (try? loop.close()) != nil else { return 1 }
                        let done = DispatchSemaphore(value: 0)
                        guard (try? pool.submit { done.signal() }) != nil else { return 2 }
                        return done.wait(timeout: .now() + 30) == .success ? 0 : 3
                    }
                    #expect(status == 0)
                    gate.letGo()
                }
            }
        }
    }

    /// A thread that is within the calls again and again: some forks meet it when it holds the lock.
    @Test(.exitTest) func closingDoesNotWaitForWhoUsesSignals() async {
        await #expect(processExitsWith: .success) {
            for kind in LoopKind.allCases where [.ring, .epoll].contains(kind) {
                try await kind.withLoop { loop in
                    try loop.addSignalHandler(.user1) {}
                    // One thread's at a time: that thread has ended when it is closed.
                    nonisolated(unsafe) let watch = try LinuxSignalWatch()
                    let isOver = Atomic<Bool>(false)
                    let end = DispatchSemaphore(value: 0)
                    Thread.detachNewThread {
                        while !isOver.load(ordering: .relaxed) {
                            try? watch.add(.user2)
                            watch.remove(.user2)
                        }
                        end.signal()
                    }
                    for _ in 0..<100 {
                        let status = statusOfFork(waitingForThreads: false) {
                            (try? loop.close()) != nil ? 0 : 1
                        }
                        #expect(status == 0)
                    }
                    isOver.store(true, ordering: .relaxed)
                    end.wait()
                    watch.close()
                    try loop.removeSignalHandler(.user1)
                }
            }
        }
    }

    private static func statusOfClosing(_ loop: BaseEventLoop) -> Int32 {
        statusOfFork { (try? loop.close()) != nil ? 0 : 1 }
    }
}

/// A thread that waits amid a call until it may go on. As a waker it holds up whoever wakes.
private final class HeldThread: LoopWaker {
    private let arrival = DispatchSemaphore(value: 0)
    private let departure = DispatchSemaphore(value: 0)
    private let end = DispatchSemaphore(value: 0)

    /// Has another thread call `body`, which gets something to wait by, and returns when it waits.
    func hold(_ body: @escaping @Sendable (_ wait: @Sendable () -> Void) -> Void) {
        Thread.detachNewThread {
            body { self.wake() }
            self.end.signal()
        }
        arrival.wait()
    }

    func wake() {
        arrival.signal()
        departure.wait()
    }

    func letGo() {
        departure.signal()
        end.wait()
    }
}

private final class BackendWithWaker: ForwardingBackend {
    private let otherWaker: any LoopWaker

    init(_ inner: any CompletionBackend, waker: any LoopWaker) {
        otherWaker = waker
        super.init(inner, system: inner.system)
    }

    override var waker: any LoopWaker { otherWaker }
}
