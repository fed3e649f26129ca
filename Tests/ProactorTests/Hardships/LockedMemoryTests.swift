import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Proactor

/// What loops do with little memory that may be locked. Each in a process of its own, as a user of its own.
@Suite(.needsRing, .enabled(if: LockedMemoryLimit.canBeTested)) struct LockedMemoryTests {
    // Pitfall 11
    @Test(.exitTest) func hundredsOfLoopsFitTheUsualLimit() async {
        await #expect(processExitsWith: .success) {
            try LockedMemoryLimit.becomeUser(mayLock: 8 << 20)
            var loops: [EventLoop] = []
            for _ in 0..<400 {
                let loop = try EventLoop()
                try #require(loop.choice == .ring, "loop \(loops.count): \(loop.choice)")
                // Streams and datagrams, each into buffers of its own.
                try useBothKindsOfBuffers(of: loop)
                loops.append(loop)
            }
            for loop in loops { try loop.close() }
        }
    }

    // Pitfall 11
    @Test(.exitTest) func aProgramFitsTheLimitOfAContainer() async {
        await #expect(processExitsWith: .success) {
            try LockedMemoryLimit.becomeUser(mayLock: 64 << 10)
            let loop = try EventLoop()
            #expect(loop.choice == .ring)
            try useBothKindsOfBuffers(of: loop)
            try strain(loop)
            try useBothKindsOfBuffers(of: loop)
            try loop.close()
        }
    }

    // Pitfall 11
    /// A ring that is closed gives its memory back some time later.
    @Test(.exitTest) func oneLoopAfterTheOtherFitsALimitForOne() async {
        await #expect(processExitsWith: .success) {
            try LockedMemoryLimit.becomeUser(mayLock: 20 << 10)
            for round in 0..<10 {
                var loop = try EventLoop()
                // The kernel does it on a thread of its own, which a busy machine may keep waiting for longer than a loop does.
                for _ in 0..<50 where loop.choice != .ring {
                    try loop.close()
                    loop = try EventLoop()
                }
                #expect(loop.choice == .ring, "round \(round)")
                try useBothKindsOfBuffers(of: loop)
                try loop.close()
            }
        }
    }

    // Pitfall 11
    @Test(.exitTest, .enabled(if: LockedMemoryLimit.isKept))
    func largeQueuesGiveWayToTheLimit() async {
        await #expect(processExitsWith: .success) {
            try LockedMemoryLimit.becomeUser(mayLock: 64 << 10)
            var configuration = RingConfiguration()
            configuration.submissionQueueSize = 4096
            configuration.completionQueueSize = 16_384
            let loop = try ProactorEventLoop(configuration: configuration)
            #expect(loop.features.submissionQueueSize == 64)
            #expect(loop.features.completionQueueSize == 128)
            try useBothKindsOfBuffers(of: loop)
            try loop.close()
        }
    }

    // Pitfall 11
    // Pitfall 12
    @Test(.exitTest, .enabled(if: LockedMemoryLimit.isKept), arguments: [0, 8192] as [UInt])
    func withoutRoomForTheSmallestRingASelectorDoesTheWork(limit: UInt) async {
        await #expect(processExitsWith: .success) { [limit] in
            LogCapture.install()
            try LockedMemoryLimit.becomeUser(mayLock: limit)
            try expectSelector(limit: limit)
            try run { _ = try getRunningLoop().time() }
        }
    }

    // Pitfall 12
    @Test(.exitTest, .enabled(if: LockedMemoryLimit.isKept))
    func whatOtherLoopsHaveTakenLeadsToASelectorToo() async {
        await #expect(processExitsWith: .success) {
            LogCapture.install()
            try LockedMemoryLimit.becomeUser(mayLock: 64 << 10)
            var loops: [ProactorEventLoop] = []
            while let loop = try? ProactorEventLoop() { loops.append(loop) }
            #expect(loops.count >= 4)
            try expectSelector(limit: 64 << 10)
            for loop in loops { try loop.close() }
        }
    }

    // Pitfall 11
    /// Where there is no room for buffers of their own, receives that are tried in vain take nothing of others' bytes.
    @Test(.exitTest, .enabled(if: LockedMemoryLimit.isKept), arguments: [16, 20, 64] as [UInt])
    func receivesInVainHarmNobody(kibibytes: UInt) async {
        await #expect(processExitsWith: .success) { [kibibytes] in
            try LockedMemoryLimit.becomeUser(mayLock: kibibytes << 10)
            let loop = try ProactorEventLoop()
            try receiveInVain(loop)
            let backend = try #require(loop.backend as? UringBackend)
            #expect((backend.singleBuffers != nil) == (kibibytes > 16 && loop.features.incrementalBuffers))
            try loop.close()
        }
    }

    // Pitfall 12
    /// A process without any memory to map is short of something else, although there is a limit on locked memory too.
    @Test(.exitTest, .needsNoSanitizer) func noRoomInTheProcessIsNoReasonToFallBack() async {
        await #expect(processExitsWith: .success) {
            try LockedMemoryLimit.becomeUser(mayLock: 8 << 20)
            let resource = __rlimit_resource_t(RLIMIT_AS.rawValue)
            var former = rlimit()
            try SocketPair.check(getrlimit(resource, &former))
            // Less than the process has already.
            var limit = rlimit(rlim_cur: 1 << 20, rlim_max: former.rlim_max)
            try SocketPair.check(setrlimit(resource, &limit))
            let result = Result { try EventLoop() }
            try SocketPair.check(setrlimit(resource, &former))
            guard case .failure(RingUnavailable.memoryExhausted) = result else {
                Issue.record("\(result)")
                return
            }
        }
    }
}

/// Checks what loops say, and that one is a selector's and works.
private func expectSelector(limit: UInt) throws {
    let reason = RingUnavailable.lockedMemoryExhausted(limit: UInt64(limit))
    #expect(throws: reason) { try ProactorEventLoop() }
    #expect(reason.description.contains("RLIMIT_MEMLOCK is \(limit) bytes"))
    #expect(reason.description.contains("ulimit -l"))
    var loop: EventLoop?
    let lines = try LogCapture.lines { loop = try EventLoop() }
    #expect(loop?.choice == .selector(.epoll, reason: reason))
    #expect(lines.count == 1 && lines.first?.contains("RLIMIT_MEMLOCK is \(limit) bytes") == true, "\(lines)")
    try useBothKindsOfBuffers(of: try #require(loop))
    try loop?.close()
}

/// Receives from a stream and from a datagram socket.
private func useBothKindsOfBuffers(of loop: BaseEventLoop) throws {
    let recorder = RecordingProtocol()
    let (transport, peer) = try loop.connect(recorder)
    peer.write("stream")
    try loop.turn { recorder.text == "stream" }
    try loop.finish(transport, peer)
    let datagrams = RecordingDatagramProtocol()
    let (endpoint, sender) = try loop.connectEndpoint(datagrams)
    try sender.send([1, 2, 3], to: endpoint.extraInfo(.socketName))
    try loop.turn { datagrams.received.count == 1 }
    try loop.finish(endpoint)
}

/// Receives from a socket that is ready in vain, beside a connection.
private func receiveInVain(_ loop: BaseEventLoop) throws {
    let recorder = RecordingProtocol()
    let (transport, peer) = try loop.connect(recorder, over: .tcp)
    let pair = try SocketPair(.tcp)
    let other = RawPeer(pair.second)
    try ErrorQueue.askForTimes(pair.first)
    try checkCall(Int32(send(pair.first.rawValue, "x", 1, 0)))
    for round in 1...5 {
        let vain = loop.createTask { try await loop.sockRecv(pair.first, upTo: 100) }
        for _ in 0..<round { try loop.turn() }
        vain.cancel()
        #expect(throws: CancellationError.self) { try loop.runUntilComplete(vain) }
        peer.write("piece \(round) ")
        try loop.turn { recorder.text.count == round * 8 }
    }
    #expect(recorder.text == "piece 1 piece 2 piece 3 piece 4 piece 5 ")
    let receiver = loop.createTask { try await loop.sockRecv(pair.first, upTo: 100) }
    try loop.settle()
    other.write("answer")
    #expect(try loop.runUntilComplete(receiver) == Array("answer".utf8))
    peer.write("more")
    try loop.turn { recorder.text.hasSuffix(" more") }
    try pair.first.close()
    try loop.finish(transport, peer)
}

/// Gives the ring more to do than its queues hold, again and again.
private func strain(_ loop: BaseEventLoop) throws {
    let connections = try (0..<400).map { _ in
        let recorder = RecordingProtocol.echo()
        let (transport, peer) = try loop.connect(recorder)
        return (recorder: recorder, transport: transport, peer: peer)
    }
    for _ in 0..<200 {
        for connection in connections { connection.peer.write("x") }
        try loop.turn()
    }
    for connection in connections {
        try loop.turn { connection.recorder.text.count == 200 }
        try loop.finish(connection.transport, connection.peer)
    }
}
