import SystemPackage
import Testing

@testable import Proactor

@Suite struct ConnectionRaceTests {
    /// Far beyond any test's time: nothing may wait for it.
    private static let never = Duration.seconds(86_400)

    @Test(arguments: LoopKind.everywhere)
    func theFirstThatConnectsWins(kind: LoopKind) async throws {
        try await race(kind, [.connects, .hangs], delay: Self.never) { outcome, attempts throws in
            #expect(try outcome.get() == ScriptedAttempts.socket(0))
            #expect(attempts.starts.count == 1)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func oneThatHangsIsOvertakenAfterTheDelayAndCancelled(kind: LoopKind) async throws {
        try await race(kind, [.hangs, .hangs, .connects], delay: .milliseconds(5)) {
            outcome,
            attempts throws in
            #expect(try outcome.get() == ScriptedAttempts.socket(2))
            #expect(attempts.cancelled == [0, 1])
            let waits = attempts.starts.map { attempts.began.duration(to: $0) }
            #expect(waits[1] >= .milliseconds(5))
            #expect(waits[2] >= .milliseconds(10))
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aRefusalStartsTheNextAtOnce(kind: LoopKind) async throws {
        try await race(kind, [.refuses, .refuses, .connects, .hangs], delay: Self.never) {
            outcome,
            attempts throws in
            #expect(try outcome.get() == ScriptedAttempts.socket(2))
            #expect(attempts.starts.count == 3)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func anEarlierAttemptMayStillWin(kind: LoopKind) async throws {
        let outcomes: [ScriptedAttempts.Outcome] = [.connectsAfter(starts: 2), .hangs]
        try await race(kind, outcomes, delay: .milliseconds(1)) { outcome, attempts throws in
            #expect(try outcome.get() == ScriptedAttempts.socket(0))
            #expect(attempts.starts.count == 2)
            #expect(attempts.cancelled == [1])
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func whatConnectsTooLateIsDiscarded(kind: LoopKind) async throws {
        // The first two connect in one and the same turn.
        let outcomes: [ScriptedAttempts.Outcome] = [
            .connectsAfter(starts: 3), .connectsAfter(starts: 3), .connectsWhenCancelled,
        ]
        try await race(kind, outcomes, delay: .milliseconds(1)) { outcome, attempts throws in
            #expect(try outcome.get() == ScriptedAttempts.socket(0))
            #expect(attempts.discarded == [1, 2])
            #expect(attempts.cancelled == [2])
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func whenAllFailEveryReasonIsThereInOrder(kind: LoopKind) async throws {
        try await race(kind, [.refuses, .refuses, .refuses], delay: .milliseconds(1)) { outcome, _ throws in
            let failure = #expect(throws: ConnectionError.self) { try outcome.get() }
            #expect(failure?.reasons == (0..<3).map(ScriptedAttempts.refusal))
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func oneAddressWaitsForNoTimer(kind: LoopKind) async throws {
        try await race(kind, [.refuses], delay: Self.never) { outcome, _ throws in
            let failure = #expect(throws: ConnectionError.self) { try outcome.get() }
            #expect(failure?.reasons == [ScriptedAttempts.refusal(0)])
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func cancellingTheCallerEndsEveryAttempt(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let attempts = ScriptedAttempts([.hangs, .connectsWhenCancelled, .hangs], on: loop)
            var caller: LoopTask<FileDescriptor>?
            let task = loop.createTask { try await attempts.race(delay: .milliseconds(1)).run() }
            caller = task
            // Checked each turn: the third attempt starts in one of them.
            func cancelWhenAllHaveStarted() throws {
                guard attempts.starts.count == 3 else {
                    try loop.callSoon(cancelWhenAllHaveStarted)
                    return
                }
                caller?.cancel()
            }
            try loop.callSoon(cancelWhenAllHaveStarted)
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(attempts.cancelled == [0, 1, 2])
            #expect(attempts.discarded == [1])
            #expect(loop.timers.count == 0)
            #expect(loop.tasks.count == 0)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func anAttemptThatIsCancelledByAnotherHandEndsTheRace(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let attempts = ScriptedAttempts([.hangs, .hangs], on: loop)
            let task = loop.createTask { try await attempts.race(delay: Self.never).run() }
            // The attempt's task is there, and its first step is still to come.
            try loop.callSoon {
                for other in loop.tasks.all where other !== task { other.cancel() }
            }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(loop.timers.count == 0)
        }
    }

    /// Runs a race, and checks that it leaves no task and no timer.
    private func race(
        _ kind: LoopKind,
        _ outcomes: [ScriptedAttempts.Outcome],
        delay: Duration,
        _ check: @escaping @Sendable (Result<FileDescriptor, any Error>, ScriptedAttempts) throws -> Void
    ) async throws {
        try await kind.withLoop { loop in
            let attempts = ScriptedAttempts(outcomes, on: loop)
            let race = attempts.race(delay: delay)
            let task = loop.createTask { try await race.run() }
            let result = Result { try loop.runUntilComplete(task) }
            #expect(loop.timers.count == 0)
            #expect(loop.tasks.count == 0)
            try check(result, attempts)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func anAttemptHasTheFieldToItselfForTheDelayAndNoLonger(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let attempts = ScriptedAttempts([.hangs, .hangs, .hangs], on: loop)
            let task = loop.createTask { try await attempts.race(delay: .seconds(1000)).run() }
            for count in 1...3 {
                try loop.turn(until: { attempts.starts.count == count })
                backend.advanceClock(by: .seconds(900))
                try loop.settle(turns: 5)
                #expect(attempts.starts.count == count)
                backend.advanceClock(by: .seconds(100))
            }
            task.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(loop.timers.count == 0)
        }
    }
}
