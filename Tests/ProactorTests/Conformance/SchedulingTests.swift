import Glibc
import Testing

@testable import Proactor

@Suite struct SchedulingTests {
    // Behaviour 1
    @Test(arguments: LoopKind.everywhere)
    func callbacksRunInOrderExactlyOnceAndNeverWithinTheCall(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var ran: [Int] = []
            for number in 0..<1000 {
                try loop.callSoon { ran.append(number) }
                #expect(ran.isEmpty)
            }
            try loop.callSoon { loop.stop() }
            try loop.runForever()
            #expect(ran == Array(0..<1000))
        }
    }

    // Behaviour 2
    @Test(arguments: LoopKind.everywhere)
    func callbacksAddedInATurnRunInTheNext(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var ran: [String] = []
            try loop.callSoon {
                ran.append("first")
                try loop.callSoon { ran.append("added") }
            }
            try loop.callSoon { ran.append("second") }
            loop.stop()
            try loop.runForever()
            #expect(ran == ["first", "second"])
            loop.stop()
            try loop.runForever()
            #expect(ran == ["first", "second", "added"])
        }
    }

    // Behaviour 3
    @Test(arguments: LoopKind.everywhere)
    func timersRunByDeadlineAndEqualOnesInOrder(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var ran: [Int] = []
            let now = loop.time()
            for number in [5, 3, 1, 4, 2] {
                try loop.callAt(now.advanced(by: .milliseconds(number))) { ran.append(number * 10) }
                try loop.callAt(now.advanced(by: .milliseconds(number))) { ran.append(number * 10 + 1) }
            }
            try loop.callAt(now.advanced(by: .milliseconds(6))) { loop.stop() }
            try loop.runForever()
            #expect(ran == [10, 11, 20, 21, 30, 31, 40, 41, 50, 51])
        }
    }

    // Behaviour 3
    @Test(arguments: LoopKind.everywhere)
    func aDelayOfZeroOrLessIsSoon(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var ran: [Int] = []
            try loop.callLater(.zero) { ran.append(1) }
            try loop.callLater(.seconds(-5)) { ran.append(0) }
            loop.stop()
            try loop.runForever()
            // The one whose deadline lies further back is due first.
            #expect(ran == [0, 1])
        }
    }

    // Behaviour 3
    @Test(arguments: LoopKind.everywhere)
    func nothingRunsEarly(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var early = 0
            var pending = 50
            for number in 0..<50 {
                let delay = Duration.microseconds(number * 97)
                let deadline = loop.time().advanced(by: delay)
                try loop.callLater(delay) {
                    if loop.time() < deadline { early += 1 }
                    pending -= 1
                    if pending == 0 { loop.stop() }
                }
            }
            try loop.runForever()
            #expect(early == 0)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func timersThatAreDueMicrosecondsApartShareWakeUps(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            var pending = 5_000
            let start = loop.time().advanced(by: .milliseconds(20))
            for number in 0..<pending {
                try loop.callAt(start.advanced(by: .microseconds(number))) {
                    pending -= 1
                    if pending == 0 { loop.stop() }
                }
            }
            try loop.runForever()
            // 50 wake-ups are 100 µs apart.
            #expect(backend.pollCount <= 100)
        }
    }

    // Behaviour 3
    // Pitfall 5
    @Test(arguments: LoopKind.allCases)
    func aWaitThatSignalsInterruptRunsNothingEarly(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // A handler that does nothing still interrupts the kernel's waits. No other test uses this signal.
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { _ in }
            sigaction(SIGURG, &action, nil)
            let isOver = ThreadLock(false)
            let interrupted = pthread_self()
            let deadline = loop.time().advanced(by: .milliseconds(20))
            var ranEarly = false
            try loop.callAt(deadline) {
                ranEarly = loop.time() < deadline
                loop.stop()
            }
            let interrupter = TestThread {
                while !isOver.withLock({ $0 }) {
                    pthread_kill(interrupted, SIGURG)
                    usleep(500)
                }
            }
            defer {
                isOver.withLock { $0 = true }
                interrupter.join()
            }
            try loop.runForever()
            #expect(!ranEarly && loop.time() >= deadline)
        }
    }

    // Behaviour 3
    @Test(arguments: LoopKind.everywhere)
    func aDelayOverADayIsAccepted(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var ran = false
            let handle = try loop.callLater(.seconds(86_400 * 400)) { ran = true }
            try loop.callLater(.seconds(Int64.max)) { ran = true }
            try loop.callLater(.milliseconds(1)) { loop.stop() }
            try loop.runForever()
            #expect(!ran)
            #expect(handle.when > loop.time().advanced(by: .seconds(86_400 * 399)))
        }
    }

    // Behaviour 4
    @Test(arguments: LoopKind.everywhere)
    func aCancelledHandleNeverRuns(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var ran: [String] = []
            let soon = try loop.callSoon { ran.append("soon") }
            let later = try loop.callLater(.zero) { ran.append("later") }
            try loop.callSoon { ran.append("kept") }
            #expect(!soon.cancelled)
            #expect(!later.cancelled)
            soon.cancel()
            later.cancel()
            later.cancel()
            #expect(soon.cancelled)
            #expect(later.cancelled)
            loop.stop()
            try loop.runForever()
            #expect(ran == ["kept"])
            #expect(soon.cancelled)
        }
    }

    // Behaviour 4
    @Test(arguments: LoopKind.everywhere)
    func aTimerCancelledByAnotherThatIsDueWithItDoesNotRun(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var ran: [String] = []
            var second: TimerHandle?
            let now = loop.time()
            try loop.callAt(now) {
                ran.append("first")
                second?.cancel()
            }
            second = try loop.callAt(now) { ran.append("second") }
            loop.stop()
            try loop.runForever()
            #expect(ran == ["first"])
        }
    }

    // Behaviour 4
    @Test(arguments: LoopKind.everywhere)
    func cancelledTimersLeaveTheHeapAndLetGoOfWhatTheyHold(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            let handles = try (0..<1000).map { number in
                let object = lives.makeObject()
                return try loop.callLater(.seconds(number + 100)) { object.touch() }
            }
            #expect(loop.timers.count == 1000)
            for handle in handles.dropLast(10) { handle.cancel() }
            #expect(loop.timers.count == 10)
            #expect(lives.alive == 10)
            for handle in handles { handle.cancel() }
            #expect(loop.timers.count == 0)
            #expect(lives.alive == 0)
        }
    }
}
