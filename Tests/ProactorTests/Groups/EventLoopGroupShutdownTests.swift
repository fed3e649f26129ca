import Testing

@testable import Proactor

@Suite struct EventLoopGroupShutdownTests {
    @Test(arguments: LoopKind.allCases)
    func tasksAreCancelledAndAwaited(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let cleanedUp = Record<ThreadFacts>()
            let threads = try await group.runOnEach { loop in
                loop.createTask {
                    try? await Task.sleep(for: .seconds(3600))
                    for _ in 0..<3 { await Task.yield() }
                    // A stop() that comes now must not keep the rest from being done.
                    loop.stop()
                    await Task.yield()
                    cleanedUp.append(.current)
                }
                await Task.yield()
                return ThreadFacts.current
            }
            group.shutdown()
            group.shutdown()
            try await group.waitUntilEnded()
            #expect(Set(cleanedUp.entries) == Set(threads))
            await #expect(throws: EventLoopError.closed) { try await group.runOnEach { _ in 1 } }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func connectionsOfTheLoopsHearOfTheEnd(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let lost = Record<ThreadFacts>()
            let threads = try await group.runOnEach { loop in
                let pair = try SocketPair(.unix)
                let peer = RawPeer(pair.second)
                _ = try await loop.connectAcceptedSocket(pair.first) {
                    let recorder = RecordingProtocol()
                    recorder.onLost = { _ in
                        lost.append(.current)
                        peer.close()
                    }
                    return recorder
                }
                return ThreadFacts.current
            }
            group.shutdown()
            try await group.waitUntilEnded()
            #expect(Set(lost.entries) == Set(threads))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aLoopOfTheGroupMayShutItDownAndDoesNotWaitForItself(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let server = try await group.createServer(ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))) {
                RecordingProtocol()
            }
            let summary = try await group.next().runCoroutineThreadSafe {
                #expect(throws: EventLoopError.self) { try group.wait() }
                await #expect(throws: EventLoopError.self) { try await group.waitUntilEnded() }
                return await group.shutdownGracefully(timeout: .seconds(3600))
            }.value()
            #expect(summary == ShutdownSummary())
            try await group.waitUntilEnded()
            _ = server
        }
    }

    @Test(arguments: LoopKind.allCases)
    func waitBlocksUntilTheEnd(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let ended = Record<Bool>()
            async let waited = onThread(hasTurn: true) {
                try group.wait()
                ended.append(group.isShutDown)
                return true
            }
            try group.next().callSoonThreadSafe { group.shutdown() }
            #expect(try await waited == true)
            #expect(ended.entries == [true])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func cancellingEndsTheWaitAndNotTheGroup(kind: LoopKind) async throws {
        try await kind.withGroup { group in
            let task = Task { try await group.waitUntilEnded() }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(!group.isShutDown)
            let ones = try await group.runOnEach { _ in 1 }
            #expect(ones == [1, 1])
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aGroupThatIsDroppedEndsItsLoops(kind: LoopKind) async throws {
        LogCapture.install()
        var loops: [WeakLoop] = []
        let lines = try LogCapture.lines {
            var options = EventLoopGroupOptions(loopCount: 2)
            options.makeLoop = { _ in try kind.makeLoop() }
            let group = try EventLoopGroup(options)
            loops = group.members.map { WeakLoop($0) }
        }
        #expect(lines.contains { $0.contains("never shut down") })
        for loop in loops { try await loop.waitUntilReleased(sourceLocation: #_sourceLocation) }
    }

    @Test(arguments: LoopKind.allCases)
    func aLoopThatClosesAmidAStopDropsIt(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            _ = try loop.serve { RecordingProtocol() }
            let stop = try RemoteDrain(on: loop, timeout: .seconds(3600)) { $0.openServers }
            // It has begun, and would hear in the next turn that nothing is left.
            try loop.turn()
            try loop.close()
            // Who waits for it hears of the loop's end.
            #expect(stop.future.done)
        }
    }
}
