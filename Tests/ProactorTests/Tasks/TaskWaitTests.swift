import Testing

@testable import Proactor

/// What a task waits for hears of its cancel once, whoever cancels it, and whether the task itself waits or a child of it.
@Suite struct TaskWaitTests {
    /// Counts the cancels that reach it, and goes on when it is told to.
    private final class CountedWait: CancellableWait {
        let loop: BaseEventLoop
        private(set) var cancels = 0
        private var continuation: UnsafeContinuation<Void, Never>?

        init(loop: BaseEventLoop) { self.loop = loop }

        var isWaiting: Bool { continuation != nil }

        func cancelWait() { cancels += 1 }

        func letGo() { continuation.take()?.resume() }

        @inline(never)
        nonisolated(nonsending) func wait() async {
            let handler = CancellationHandler(for: self)
            defer { handler.remove() }
            nonisolated(unsafe) let this = self
            await withUnsafeContinuation { this.continuation = $0 }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theTaskItself(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let wait = CountedWait(loop: loop)
            let task = loop.createTask { await wait.wait() }
            try loop.turn { wait.isWaiting }
            for _ in 0..<3 { task.cancel() }
            #expect(wait.cancels == 1)
            wait.letGo()
            try loop.turn { task.done }
            // It is over: nobody hears of it.
            task.cancel()
            #expect(wait.cancels == 1)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTaskThatIsCancelledBeforeItWaits(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (first, second) = (CountedWait(loop: loop), CountedWait(loop: loop))
            let task = loop.createTask {
                await first.wait()
                withUnsafeCurrentTask { $0?.cancel() }
                await second.wait()
            }
            try loop.turn { first.isWaiting }
            first.letGo()
            try loop.turn { second.isWaiting }
            #expect(first.cancels == 0 && second.cancels == 1)
            task.cancel()
            #expect(second.cancels == 1)
            second.letGo()
            try loop.turn { task.done }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aChildOfTheTask(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            nonisolated(unsafe) let wait = CountedWait(loop: loop)
            let task = loop.createTask {
                async let child: Void = wait.wait()
                await child
            }
            try loop.turn { wait.isWaiting }
            task.cancel()
            task.cancel()
            #expect(wait.cancels == 1)
            wait.letGo()
            try loop.turn { task.done }
        }
    }

    /// A wait of one task within a callback that carries another's values.
    @Test(arguments: LoopKind.allCases)
    func aTaskThatAnotherOneMade(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (outer, inner) = (CountedWait(loop: loop), CountedWait(loop: loop))
            var made: LoopTask<Void>?
            let task = loop.createTask {
                made = loop.createTask { await inner.wait() }
                await outer.wait()
            }
            try loop.turn { outer.isWaiting && inner.isWaiting }
            task.cancel()
            #expect(outer.cancels == 1 && inner.cancels == 0)
            made?.cancel()
            #expect(inner.cancels == 1)
            outer.letGo()
            inner.letGo()
            try loop.turn { task.done && made?.done == true }
        }
    }

    /// The part of a timeout is a child whose waits the task keeps.
    @Test(arguments: LoopKind.allCases)
    func aPartOfTheTask(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (inner, after) = (CountedWait(loop: loop), CountedWait(loop: loop))
            let task = loop.createTask {
                try? await timeout(nil) { _ in try await timeout(nil) { _ in await inner.wait() } }
                await after.wait()
            }
            try loop.turn { inner.isWaiting }
            for _ in 0..<2 { task.cancel() }
            #expect(inner.cancels == 1)
            inner.letGo()
            // The waits are the task's own again.
            try loop.turn { after.isWaiting }
            #expect(inner.cancels == 1 && after.cancels == 1)
            after.letGo()
            try loop.turn { task.done }
        }
    }

    @Test(arguments: LoopKind.allCases, [false, true])
    func aPartWhoseTimeIsOver(kind: LoopKind, isOuter: Bool) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let (inner, after) = (CountedWait(loop: loop), CountedWait(loop: loop))
            let task = loop.createTask {
                try? await timeout(isOuter ? .seconds(1) : nil) { _ in
                    try await timeout(isOuter ? nil : .seconds(1)) { _ in await inner.wait() }
                }
                await after.wait()
            }
            try loop.turn { inner.isWaiting }
            backend.advanceClock(by: .seconds(2))
            try loop.turn { inner.cancels == 1 }
            // Of one that has heard of the end of its time already.
            task.cancel()
            #expect(inner.cancels == 1)
            inner.letGo()
            try loop.turn { after.isWaiting }
            #expect(after.cancels == 1)
            after.letGo()
            try loop.turn { task.done }
        }
    }

    /// They wait beside the part, and are not the task that waits.
    @Test(arguments: LoopKind.allCases)
    func aChildOfAPart(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            nonisolated(unsafe) let (child, part) = (CountedWait(loop: loop), CountedWait(loop: loop))
            let task = loop.createTask {
                try? await timeout(nil) { _ in
                    async let beside: Void = child.wait()
                    await part.wait()
                    await beside
                }
            }
            try loop.turn { child.isWaiting && part.isWaiting }
            task.cancel()
            #expect(child.cancels == 1 && part.cancels == 1)
            child.letGo()
            part.letGo()
            try loop.turn { task.done }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aPartOfAChild(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            nonisolated(unsafe) let (child, own) = (CountedWait(loop: loop), CountedWait(loop: loop))
            let task = loop.createTask {
                async let part: Void? = try? timeout(nil) { _ in await child.wait() }
                await own.wait()
                _ = await part
            }
            try loop.turn { child.isWaiting && own.isWaiting }
            task.cancel()
            #expect(child.cancels == 1 && own.cancels == 1)
            own.letGo()
            child.letGo()
            try loop.turn { task.done }
        }
    }
}
