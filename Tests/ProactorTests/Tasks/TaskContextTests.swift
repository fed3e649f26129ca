import Testing

@testable import Proactor

@Suite struct TaskContextTests {
    @TaskLocal static var value = 0

    @Test(arguments: LoopKind.allCases)
    func callbacksSeeTheValuesOfTheTaskThatScheduledThem(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var seen: [String: Int] = [:]
            let future = loop.createFuture()
            let task = loop.createTask {
                try Self.$value.withValue(7) {
                    try loop.callSoon { seen["soon"] = Self.value }
                    try loop.callLater(.milliseconds(1)) { seen["later"] = Self.value }
                    try loop.callAt(loop.time()) { seen["at"] = Self.value }
                    future.addDoneCallback { _ in seen["done"] = Self.value }
                    try loop.callSoon {
                        try loop.callSoon { seen["nested"] = Self.value }
                    }
                    loop.createTask { seen["task"] = Self.value }
                }
                try loop.callSoon { seen["after"] = Self.value }
                try future.setResult()
                while seen.count < 8 { await Task.yield() }
            }
            future.addDoneCallback { _ in seen["plain"] = Self.value }
            try loop.runUntilComplete(task)
            let expected = [
                "soon": 7, "later": 7, "at": 7, "done": 7, "nested": 7, "task": 7, "after": 0, "plain": 0,
            ]
            #expect(seen == expected)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func callbacksOfChildTasksSeeWhatTheirParentBound(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let done = loop.createFuture(of: Int.self)
            let end = LoopBound(done, of: loop)
            let result = try loop.run {
                try await Self.$value.withValue(8) {
                    async let child: Void = loop.callSoonThreadSafe { try end.value.setResult(Self.value) }
                    try await child
                    return try await done.value()
                }
            }
            #expect(result == 8)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func callbacksFromOtherThreadsSeeTheValuesOfTheTaskThere(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let done = loop.createFuture()
            let seen = LoopBound<(Int) -> Void>(
                { [order = ThreadLock<[Int]>([])] value in
                    let all = order.withLock { order in
                        order.append(value)
                        return order
                    }
                    guard all.count == 6 else { return }
                    // In the order of the calls, whether they carry values or not.
                    #expect(all == [0, 5, 0, 6, 7, 0])
                    try? done.setResult()
                },
                of: loop
            )
            // Outside any task, then on a thread that is not the loop's, then in a coroutine's task.
            try loop.callSoonThreadSafe { seen.value(Self.value) }
            Task.detached(priority: .high) {
                try Self.$value.withValue(5) { try loop.callSoonThreadSafe { seen.value(Self.value) } }
                try loop.callSoonThreadSafe { seen.value(Self.value) }
                try Self.$value.withValue(6) { try seen.post { $0(Self.value) } }
                try await Self.$value.withValue(7) {
                    try await loop.runCoroutineThreadSafe { seen.value(Self.value) }.value()
                }
                try loop.callSoonThreadSafe { seen.value(Self.value) }
            }
            try loop.runUntilComplete(done)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func callbacksFromOtherThreadsRunOutsideTheTaskThatPostedThem(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let done = loop.createFuture()
            let ending = LoopBound(done, of: loop)
            loop.createTask {
                try loop.callSoonThreadSafe {
                    #expect(try currentTask() == nil)
                    try ending.value.setResult()
                }
            }
            try loop.runUntilComplete(done)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aPostedContextThatIsNeverRunIsFreed(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            let object = lives.makeObject()
            let task = Task.detached(priority: .high) {
                for _ in 0..<10 {
                    let object = lives.makeObject()
                    try loop.callSoonThreadSafe { object.touch() }
                }
            }
            try loop.runUntilComplete { try await task.value }
            try loop.runUntilComplete {
                for _ in 0..<10 { try loop.callSoonThreadSafe { [object] in object.touch() } }
                loop.stop()
            }
            try loop.close()
            #expect(throws: EventLoopError.closed) { try loop.callSoonThreadSafe { object.touch() } }
            #expect(lives.alive == 1)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func contextCallbacksKeepTheOrder(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var order: [Int] = []
            let task = loop.createTask {
                try loop.callSoon { order.append(0) }
                loop.createTask { order.append(1) }
                try loop.callSoon { order.append(2) }
                let future = loop.createFuture()
                future.addDoneCallback { _ in order.append(3) }
                future.addDoneCallback { _ in order.append(4) }
                try future.setResult()
                try loop.callSoon { order.append(5) }
            }
            try loop.runUntilComplete(task)
            #expect(order == [0, 1, 2, 3, 4, 5])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func cancelledContextCallbacksDoNotRunAndFreeTheirTask(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            var ran = 0
            let task = loop.createTask {
                for _ in 0..<10 {
                    let object = lives.makeObject()
                    let callback = {
                        object.touch()
                        ran += 1
                    }
                    // The first of each is let go of at once.
                    try loop.callSoon(callback).cancel()
                    try loop.callLater(.zero, callback).cancel()
                    let future = loop.createFuture()
                    future.removeDoneCallback(future.addDoneCallback { _ in callback() })
                    let soon = try loop.callSoon(callback)
                    let later = try loop.callLater(.seconds(3600), callback)
                    soon.cancel()
                    later.cancel()
                    let due = try loop.callLater(.zero, callback)
                    try loop.callSoon { due.cancel() }
                }
            }
            try loop.runUntilComplete(task)
            loop.stop()
            try loop.runForever()
            loop.stop()
            try loop.runForever()
            #expect(ran == 0)
            #expect(lives.alive == 0)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aFutureThatIsNeverDoneFreesItsContextCallbacks(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            let task = loop.createTask {
                for _ in 0..<10 {
                    let object = lives.makeObject()
                    loop.createFuture().addDoneCallback { _ in object.touch() }
                }
            }
            try loop.runUntilComplete(task)
            #expect(lives.alive == 0)
        }
    }
}
