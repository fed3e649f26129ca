#if NIO
    import NIOConcurrencyHelpers
    import NIOCore
    import Proactor
    import ProactorNIO
    import Testing

    import enum NIOCore.EventLoopError
    import protocol NIOCore.EventLoop

    @Suite struct NIOEventLoopTests {
        @Test(arguments: NIOLoopKind.allCases)
        func tasksRunInTheirOrderOnTheLoop(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let loop = group.next()
                let order = NIOLockedValueBox<[Int]>([])
                for number in 0..<100 {
                    loop.execute {
                        loop.preconditionInEventLoop()
                        order.withLockedValue { $0.append(number) }
                    }
                }
                // What a task adds comes behind what was there.
                let last = try await loop.submit { () -> EventLoopFuture<Int> in
                    loop.submit { order.withLockedValue { $0.count } }
                }.flatMap { $0 }.get()
                #expect(last == 100)
                #expect(order.withLockedValue { $0 } == Array(0..<100))
                #expect(!loop.inEventLoop)
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func scheduledTasksRunInTheOrderOfTheirDeadlines(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let loop = group.next()
                let order = NIOLockedValueBox<[Int]>([])
                let start = loop.now
                let later = loop.scheduleTask(in: .milliseconds(3)) { order.withLockedValue { $0.append(2) } }
                let sooner = loop.scheduleTask(in: .milliseconds(1)) {
                    order.withLockedValue { $0.append(1) }
                }
                let never = loop.scheduleTask(in: .milliseconds(2)) { order.withLockedValue { $0.append(0) } }
                never.cancel()
                try await later.futureResult.get()
                try await sooner.futureResult.get()
                #expect(order.withLockedValue { $0 } == [1, 2])
                #expect(loop.now - start >= .milliseconds(3))
                await #expect(throws: EventLoopError.cancelled) { try await never.futureResult.get() }
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func theClocksAreOne(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let loop = try #require(group.next() as? NIOProactorEventLoop)
                let before = NIODeadline.now()
                let instant = loop.proactorLoop.time()
                let after = NIODeadline.now()
                #expect(before.uptimeNanoseconds <= UInt64(instant.nanoseconds))
                #expect(UInt64(instant.nanoseconds) <= after.uptimeNanoseconds)
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func whatIsScheduledFailsWhenTheLoopEnds(kind: NIOLoopKind) async throws {
            let group = try kind.makeGroup()
            let loop = group.next()
            let scheduled = loop.scheduleTask(in: .hours(1)) { 1 }
            let repeated = NIOLockedValueBox(false)
            loop.scheduleRepeatedTask(initialDelay: .hours(1), delay: .hours(1)) { _ in
                repeated.withLockedValue { $0 = true }
            }
            try await group.shutdownGracefully()
            await #expect(throws: EventLoopError.shutdown) { try await scheduled.futureResult.get() }
            #expect(!repeated.withLockedValue { $0 })
            // Nobody waits for ever for a loop that is gone.
            await #expect(throws: EventLoopError.shutdown) {
                try await loop.scheduleTask(in: .zero) { 1 }.futureResult.get()
            }
            let value = try await loop.makeSucceededFuture(1).map { $0 + 1 }.get()
            #expect(value == 2)
            // Once more is harmless.
            try await group.shutdownGracefully()
        }

        @Test(arguments: NIOLoopKind.allCases)
        func whatWasSubmittedBeforeTheEndStillRuns(kind: NIOLoopKind) async throws {
            for _ in 0..<20 {
                let group = try kind.makeGroup()
                let loop = group.next()
                async let end: Void = group.shutdownGracefully()
                let futures = (0..<50).map { number in loop.submit { number } }
                let sum = try await EventLoopFuture.whenAllSucceed(futures, on: loop).get().reduce(0, +)
                #expect(sum == 1225)
                try await end
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func tasksThatPreferTheLoopStayOnIt(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let loop = try #require(group.next() as? NIOProactorEventLoop)
                let stays = await Task(executorPreference: loop.taskExecutor) {
                    var stays = loop.inEventLoop
                    // A future of the loop is waited for without a hop.
                    try? await loop.submit {}.get()
                    stays = stays && loop.inEventLoop
                    await Task.yield()
                    return stays && loop.inEventLoop
                }.value
                #expect(stays)
                let isolated = await OnLoop(loop).isOnLoop()
                #expect(isolated)
            }
        }

        /// An actor whose executor is the loop.
        private actor OnLoop {
            private let loop: NIOProactorEventLoop

            init(_ loop: NIOProactorEventLoop) { self.loop = loop }

            nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }

            func isOnLoop() -> Bool { loop.inEventLoop }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func taskLocalsAreNotCaptured(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let loop = group.next()
                let seen = try await Names.$name.withValue("caller") {
                    try await loop.submit { Names.name }.get()
                }
                #expect(seen == nil)
            }
        }

        private enum Names {
            @TaskLocal static var name: String?
        }

        @Test(arguments: NIOLoopKind.allCases)
        func aLoopOfTheProgramsOwnServesToo(kind: NIOLoopKind) async throws {
            let result = try await Task.detached {
                let loop: any AbstractEventLoop =
                    kind == .ring ? try ProactorEventLoop() : try SelectorEventLoop(selector: .epoll)
                let pending = try loop.runUntilComplete { () async throws -> Scheduled<Int> in
                    let wrapped = NIOProactorEventLoop.of(loop)
                    precondition(wrapped === NIOProactorEventLoop.current && wrapped.inEventLoop)
                    precondition(wrapped === NIOProactorEventLoop.of(loop) && wrapped.next() === wrapped)
                    let sum = try await wrapped.submit { 1 }.map { $0 + 1 }.get()
                    precondition(sum == 2)
                    return wrapped.scheduleTask(in: .hours(1)) { 1 }
                }
                try loop.close()
                return pending
            }.value
            await #expect(throws: EventLoopError.shutdown) { try await result.futureResult.get() }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func loopsKeepTheirGroupUntilItIsShutDown(kind: NIOLoopKind) async throws {
            weak var group: NIOProactorEventLoopGroup?
            let loop: any EventLoop
            do {
                let made = try kind.makeGroup(threads: 2)
                group = made
                loop = made.next()
            }
            #expect(try await loop.submit { 1 }.get() == 1)
            try await group?.shutdownGracefully()
            #expect(await isReleased { group == nil })
        }

        /// What callbacks of the end still hold is let go of soon.
        private func isReleased(_ isGone: () -> Bool) async -> Bool {
            for _ in 0..<100_000 {
                if isGone() { return true }
                await Task.yield()
            }
            return false
        }

        @Test(arguments: NIOLoopKind.allCases)
        func groupsHandOutTheirLoopsInTurn(kind: NIOLoopKind) async throws {
            try await kind.withGroup(threads: 3) { group in
                let first = (0..<3).map { _ in ObjectIdentifier(group.next()) }
                let second = (0..<3).map { _ in ObjectIdentifier(group.next()) }
                #expect(Set(first).count == 3 && first == second)
                let loop = group.next()
                let isAnyOne = try await loop.submit { group.any() === loop }.get()
                #expect(isAnyOne)
                #expect(group.makeIterator().map { ObjectIdentifier($0) }.count == 3)
                await #expect(throws: EventLoopError.unsupportedOperation) {
                    try await loop.shutdownGracefully()
                }
            }
        }
    }
#endif
