import CPosix
import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// One after the other: signals are the whole process's.
@Suite(.serialized) struct SignalTests {
    // Behaviour 39
    @Test(arguments: LoopKind.allCases)
    func aHandlerRunsOnTheLoopWhileItPolls(kind: LoopKind) async throws {
        #expect(signalDisposition(SIGUSR1) == .default)
        try await kind.withLoop { loop in
            let loopThread = cposix_thread_id()
            var calls = 0
            var threads: [UInt64] = []
            try loop.addSignalHandler(.user1) {
                calls += 1
                threads.append(cposix_thread_id())
                loop.stop()
            }
            #expect(signalDisposition(SIGUSR1) == .handled)
            // Caught on another thread while the loop waits without limit, and on the loop's own.
            for raisesElsewhere in [true, false] {
                if raisesElsewhere {
                    Thread.detachNewThread { raiseHere(SIGUSR1) }
                } else {
                    try loop.callSoon { raiseHere(SIGUSR1) }
                }
                try loop.runForever()
            }
            #expect(calls == 2)
            #expect(threads == [loopThread, loopThread])
            #expect(try loop.removeSignalHandler(.user1))
            #expect(signalDisposition(SIGUSR1) == .default)
            #expect(try !loop.removeSignalHandler(.user1))
        }
        #expect(signalDisposition(SIGUSR1) == .default)
    }

    /// A signal that interrupts the wait itself, on the very thread that waits.
    // Pitfall 5
    @Test(arguments: LoopKind.allCases)
    func aSignalInterruptsTheWaitOfItsOwnThread(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var calls = 0
            try loop.addSignalHandler(.windowChange) {
                calls += 1
                if calls == 3 { loop.stop() }
            }
            unblockSignal(SIGWINCH)
            let interruptions = Interruptions(of: pthread_self(), by: SIGWINCH)
            try loop.runForever()
            #expect(interruptions.end())
            #expect(calls >= 3)
            try loop.removeSignalHandler(.windowChange)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aWaitForSignalsThatFailsIsReported(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            var reported: [Errno?] = []
            loop.setExceptionHandler { _, context in reported.append(context.error as? Errno) }
            backend.failures[.waitUntilReadable] = [.noMemory]
            try loop.addSignalHandler(.user1) {}
            try loop.turn { !reported.isEmpty }
            try loop.settle()
            #expect(reported == [.noMemory])
            loop.setExceptionHandler(nil)
            try loop.removeSignalHandler(.user1)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func manySignalsBetweenTwoTurnsAreToldOnce(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var calls: [Signal] = []
            try loop.addSignalHandler(.user1) { calls.append(.user1) }
            try loop.addSignalHandler(.user2) { calls.append(.user2) }
            // A loop that does not run hears of them when it does.
            for _ in 0..<5 { raiseHere(SIGUSR1) }
            raiseHere(SIGUSR2)
            try loop.turn { !calls.isEmpty }
            try loop.settle()
            #expect(calls == [.user1, .user2])
            // The second handler of a loop replaces its first.
            try loop.addSignalHandler(.user1) { calls.append(.hangUp) }
            raiseHere(SIGUSR1)
            try loop.turn { calls.count == 3 }
            #expect(calls == [.user1, .user2, .hangUp])
            try loop.removeSignalHandler(.user1)
            try loop.removeSignalHandler(.user2)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aHandlerMayRemoveAnother(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var calls: [Signal] = []
            try loop.addSignalHandler(.user1) {
                calls.append(.user1)
                try loop.removeSignalHandler(.user2)
                try loop.removeSignalHandler(.user1)
                // While the wait for signals is being cancelled.
                try loop.addSignalHandler(.user1) { calls.append(.hangUp) }
            }
            try loop.addSignalHandler(.user2) { calls.append(.user2) }
            raiseHere(SIGUSR2)
            raiseHere(SIGUSR1)
            try loop.turn { !calls.isEmpty }
            #expect(signalDisposition(SIGUSR2) == .default)
            raiseHere(SIGUSR1)
            try loop.turn { calls.count == 2 }
            #expect(calls == [.user1, .hangUp])
            try loop.removeSignalHandler(.user1)
        }
    }

    // Behaviour 9
    @Test(arguments: LoopKind.allCases)
    func anErrorGoesToTheExceptionHandler(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var errors: [TestError] = []
            loop.setExceptionHandler { _, context in
                errors += [context.error as? TestError].compactMap { $0 }
            }
            try loop.addSignalHandler(.user2) { throw TestError(number: 12) }
            raiseHere(SIGUSR2)
            try loop.turn { errors == [TestError(number: 12)] }
            loop.setExceptionHandler(nil)
            try loop.removeSignalHandler(.user2)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func everyLoopIsTold(kind: LoopKind) async throws {
        try await onThread {
            let loops = SignalledLoops(count: 3, on: kind, signal: .user1)
            // Without a loop that handles it the signal ends all tests.
            guard loops.waitUntilReady(), signalDisposition(SIGUSR1) == .handled else {
                loops.stop()
                Issue.record("the loops are not there: \(loops.failures)")
                return
            }
            raiseHere(SIGUSR1)
            #expect(loops.waitUntilDone())
            #expect(loops.toldCount == 3)
            #expect(loops.failures == [])
        }
        // The last one that went has given the signal back.
        #expect(signalDisposition(SIGUSR1) == .default)
    }

    @Test(arguments: LoopKind.allCases)
    func closingALoopRemovesItsHandlers(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let life = LifeCounter()
            let object = life.makeObject()
            try loop.addSignalHandler(.user1) { object.touch() }
            try loop.addSignalHandler(.user2) {}
            try loop.turn()
            raiseHere(SIGUSR1)
            try loop.close()
            #expect(signalDisposition(SIGUSR1) == .default)
            #expect(signalDisposition(SIGUSR2) == .default)
            #expect(throws: EventLoopError.closed) { try loop.addSignalHandler(.user1) {} }
            #expect(throws: EventLoopError.closed) { try loop.removeSignalHandler(.user1) }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aFormerDispositionComesBack(kind: LoopKind) async throws {
        signal(SIGUSR2, SIG_IGN)
        defer { signal(SIGUSR2, SIG_DFL) }
        try await kind.withLoop { loop in
            var calls = 0
            try loop.addSignalHandler(.user2) { calls += 1 }
            raiseHere(SIGUSR2)
            try loop.turn { calls == 1 }
            try loop.removeSignalHandler(.user2)
            #expect(signalDisposition(SIGUSR2) == .ignored)
            // Somebody's own handler that was put over it stays.
            try loop.addSignalHandler(.user2) {}
            signal(SIGUSR2, SIG_DFL)
            try loop.removeSignalHandler(.user2)
            #expect(signalDisposition(SIGUSR2) == .default)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatCannotBeHandledIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            func refusal(_ number: Int32) -> SignalError? {
                #expect(throws: SignalError.self) {
                    try loop.addSignalHandler(Signal(rawValue: number)) {}
                }
            }
            for number in [SIGKILL, SIGSTOP] {
                #expect(refusal(number) == .uncatchable(Signal(rawValue: number)))
            }
            for number in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP] {
                #expect(refusal(number) == .raisedByInstructions(Signal(rawValue: number)))
                #expect(refusal(number)?.description.contains("instruction") == true)
            }
            for number: Int32 in [-1, 0, 32, 33, 65, .max] {
                #expect(refusal(number) == .invalid(Signal(rawValue: number)))
            }
            #expect(try !loop.removeSignalHandler(.kill))
            #expect(Signal.terminate.description == "SIGTERM")
            #expect(Signal(rawValue: 40).description == "signal 40")
            // The edges of what can be handled.
            for number in [1, 31, 34, 64] as [Int32] {
                let signal = Signal(rawValue: number)
                var calls = 0
                try loop.addSignalHandler(signal) { calls += 1 }
                raiseHere(number)
                try loop.turn { calls == 1 }
                try loop.removeSignalHandler(signal)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aSignalFromBeforeIsNotTheNextHandlers(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var calls: [Signal] = []
            // It keeps the loop waiting for signals throughout.
            try loop.addSignalHandler(.user2) { calls.append(.user2) }
            try loop.addSignalHandler(.user1) { calls.append(.user1) }
            raiseHere(SIGUSR1)
            try loop.removeSignalHandler(.user1)
            try loop.addSignalHandler(.user1) { calls.append(.hangUp) }
            try loop.settle()
            #expect(calls.isEmpty)
            raiseHere(SIGUSR1)
            try loop.turn { !calls.isEmpty }
            #expect(calls == [.hangUp])
            try loop.removeSignalHandler(.user1)
            try loop.removeSignalHandler(.user2)
        }
    }

    /// The program's own blocking calls, on whichever thread a signal is caught, do not fail for it.
    @Test(arguments: LoopKind.allCases)
    func aHandledSignalInterruptsNoCallOfTheProgram(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.addSignalHandler(.user1) {}
            var action = sigaction()
            sigaction(SIGUSR1, nil, &action)
            #expect(action.sa_flags & Int32(SA_RESTART) != 0)
            try loop.removeSignalHandler(.user1)
        }
    }
}

/// Signals one thread from another, as fast as it can, since whether a loop waits by now cannot be seen.
private final class Interruptions: Sendable {
    private struct State {
        var isOver = false
        var hasEnded = false
    }

    private let state = ConditionLock(State())

    init(of thread: pthread_t, by signal: Int32) {
        Thread.detachNewThread {
            while self.state.withLock({ !$0.isOver }) {
                pthread_kill(thread, signal)
                sched_yield()
            }
            self.state.withLock { $0.hasEnded = true }
            self.state.wakeAll()
        }
    }

    /// Returns when no more signals come.
    func end() -> Bool {
        state.withLock { $0.isOver = true }
        return state.waitFor(timeout: TestLimit.wait) { $0.hasEnded ? true : nil } ?? false
    }
}

/// Has the calling thread catch the signal, before this returns.
private func raiseHere(_ signal: Int32) {
    unblockSignal(signal)
    pthread_kill(pthread_self(), signal)
}
