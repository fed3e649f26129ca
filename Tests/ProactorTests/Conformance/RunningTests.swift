import Testing

@testable import Proactor

@Suite struct RunningTests {
    // Behaviour 6
    @Test(arguments: LoopKind.everywhere)
    func stoppedBeforeItRunsItTakesOneTurnWithoutWaiting(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var ran: [String] = []
            try loop.callLater(.seconds(3600)) { ran.append("much later") }
            try loop.callSoon {
                ran.append("ready")
                try loop.callSoon { ran.append("added") }
            }
            loop.stop()
            try loop.runForever()
            #expect(ran == ["ready"])
            #expect(!loop.isRunning)
        }
    }

    // Behaviour 6
    @Test(arguments: LoopKind.everywhere)
    func stoppedWhileItRunsItFinishesTheBatchAndNoMore(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var ran: [String] = []
            try loop.callSoon {
                #expect(loop.isRunning)
                loop.stop()
                try loop.callSoon { ran.append("next run") }
            }
            try loop.callSoon { ran.append("same batch") }
            try loop.runForever()
            #expect(ran == ["same batch"])
            loop.stop()
            try loop.runForever()
            #expect(ran == ["same batch", "next run"])
        }
    }

    // Behaviour 7
    @Test(arguments: LoopKind.everywhere)
    func runUntilCompleteOnAStoppedLoopThrows(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            try loop.callSoon { loop.stop() }
            #expect(throws: EventLoopError.stoppedBeforeCompletion) { try loop.runUntilComplete(future) }
            // Its callback is gone: the loop is not stopped by it later.
            try future.setResult(1)
            try expectRunsOn(loop)
        }
    }

    // Behaviour 7
    @Test(arguments: LoopKind.everywhere)
    func aNestedRunThrows(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let other = try kind.makeLoop()
            defer { try? other.close() }
            try loop.callSoon {
                defer { loop.stop() }
                #expect(throws: EventLoopError.alreadyRunning(call: "runForever")) { try loop.runForever() }
                #expect(throws: EventLoopError.alreadyRunning(call: "runUntilComplete")) {
                    try loop.runUntilComplete { Issue.record("the body of a refused run began") }
                }
                #expect(throws: EventLoopError.anotherLoopIsRunning) { try other.runForever() }
                #expect(throws: EventLoopError.anotherLoopIsRunning) {
                    try other.runUntilComplete { Issue.record("the body of a refused run began") }
                }
            }
            try loop.runForever()
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func runUntilCompleteReturnsTheResultOrThrowsTheError(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let future = loop.createFuture(of: String.self)
            try loop.callLater(.milliseconds(1)) { try future.setResult("done") }
            #expect(try loop.runUntilComplete(future) == "done")
            // A second time it is done already.
            #expect(try loop.runUntilComplete(future) == "done")
            #expect(throws: TestError(number: 1)) {
                try loop.runUntilComplete { throw TestError(number: 1) }
            }
            let cancelled = loop.createFuture()
            cancelled.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(cancelled) }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aRunThatWasStoppedAsItsFutureWasDoneDoesNotStopTheNext(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let future = loop.createFuture()
            try loop.callSoon {
                try future.setResult()
                loop.stop()
            }
            try loop.runUntilComplete(future)
            try expectRunsOn(loop)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aFutureOfAnotherLoopIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let other = try kind.makeLoop()
            defer { try? other.close() }
            let future = other.createFuture()
            #expect(throws: EventLoopError.self) { try loop.runUntilComplete(future) }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aBodyBeginsOnlyWhenTheLoopCanRun(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let reason = RingUnavailable.failed(.noBufferSpace, call: "test")
            backend.startFailure = reason
            #expect(throws: EventLoopError.ringUnavailable(reason)) {
                try loop.runUntilComplete { Issue.record("the body of a refused run began") }
            }
            #expect(loop.tasks.count == 0)
            // What refused passes.
            backend.startFailure = nil
            let result = try loop.runUntilComplete { 1 }
            #expect(result == 1)
        }
    }

    // Behaviour 8
    @Test(arguments: LoopKind.everywhere)
    func closingARunningLoopThrows(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.callSoon {
                defer { loop.stop() }
                #expect(throws: EventLoopError.alreadyRunning(call: "close")) { try loop.close() }
            }
            try loop.runForever()
            #expect(!loop.isClosed)
        }
    }

    // Behaviour 8
    @Test(arguments: LoopKind.everywhere)
    func closedTwiceIsHarmlessAndAnyOtherCallThrows(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.close()
            try loop.close()
            #expect(loop.isClosed)
            #expect(throws: EventLoopError.closed) { try loop.callSoon {} }
            #expect(throws: EventLoopError.closed) { try loop.callLater(.zero) {} }
            #expect(throws: EventLoopError.closed) { try loop.callAt(loop.time()) {} }
            #expect(throws: EventLoopError.closed) { try loop.callSoonThreadSafe {} }
            #expect(throws: EventLoopError.closed) { try loop.runForever() }
            #expect(throws: EventLoopError.closed) {
                try loop.runUntilComplete { Issue.record("the body of a refused run began") }
            }
            #expect(throws: EventLoopError.closed) { try loop.runCoroutineThreadSafe { 1 } }
            let task = loop.createTask { Issue.record("a task of a closed loop began") }
            #expect(throws: EventLoopError.closed) { try task.result() }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func closingLetsGoOfWhatIsScheduled(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            var ran = 0
            let task = loop.createTask {
                // Scheduled within a task, and so with a context.
                for delay in [0, 1000] {
                    let object = lives.makeObject()
                    try loop.callLater(.seconds(delay)) { object.touch() }
                }
                for _ in 0..<3 {
                    let object = lives.makeObject()
                    try loop.callSoon {
                        object.touch()
                        ran += 1
                    }
                }
                // In the turn in which the task ends, before any of these.
                loop.stop()
            }
            try loop.runUntilComplete(task)
            for delay in [0, 1000] {
                let object = lives.makeObject()
                try loop.callLater(.seconds(delay)) { object.touch() }
            }
            try loop.callSoon { [object = lives.makeObject()] in object.touch() }
            #expect(lives.alive == 8)
            try loop.close()
            #expect(lives.alive == 0)
            #expect(ran == 0)
        }
    }

    /// The loop runs until it is stopped, and not until a stop that was meant for an earlier run.
    private func expectRunsOn(_ loop: BaseEventLoop) throws {
        var turns = 0
        func turn() throws {
            turns += 1
            if turns < 5 { try loop.callSoon(turn) } else { loop.stop() }
        }
        try loop.callSoon(turn)
        try loop.runForever()
        #expect(turns == 5)
    }
}
