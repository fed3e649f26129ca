import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// What a backend does with what is ready for ever, and with a kernel that refuses for ever.
@Suite struct RestingTests {
    typealias Seen = CompletionRecorder.Seen

    private static let token = OperationToken(kind: .send, generation: 1, slot: 1)

    @Test func restsGrowUpToABound() {
        var resting = RestingOperations()
        let start = LoopInstant(nanoseconds: 1_000)
        var lengths: [Int64] = []
        for tries in [0, RestingOperations.vainTriesMax, 5, 6, 9, 10, 11, 255] as [UInt8] {
            resting.add(Self.token, vainTries: tries, now: start)
            lengths.append(resting.limit(-1, now: start) / 1_000_000)
            let end = start.advanced(by: .milliseconds(64))
            let rested = resting.takeRested(now: end)
            #expect(rested == [Self.token])
        }
        #expect(lengths == [1, 1, 2, 4, 32, 64, 64, 64])
    }

    @Test func restsEndInTime() {
        var resting = RestingOperations()
        let start = LoopInstant(nanoseconds: 0)
        #expect(resting.limit(-1, now: start) == -1 && resting.limit(7, now: start) == 7)
        resting.add(Self.token, vainTries: 5, now: start)
        resting.add(Self.token.named(.receive), vainTries: 4, now: start)
        #expect(resting.limit(-1, now: start) == 1_000_000)
        #expect(resting.limit(500, now: start) == 500)
        #expect(resting.limit(-1, now: start.advanced(by: .seconds(1))) == 0)
        let tooEarly = resting.takeRested(now: start.advanced(by: .microseconds(999)))
        let rested = resting.takeRested(now: start.advanced(by: .milliseconds(1)))
        #expect(tooEarly.isEmpty && rested == [Self.token.named(.receive)])
        let removals = [resting.remove(Self.token.named(.receive)), resting.remove(Self.token)]
        #expect(removals == [false, true] && resting.isEmpty)
    }

    // MARK: - Selectors

    /// Turns that never wait longer than the backend wants, for some time; how many it took.
    private func turns(_ harness: SelectorHarness, for duration: Duration) -> Int {
        var count = 0
        let end = ContinuousClock.now + duration
        while ContinuousClock.now < end {
            harness.turn(timeoutNanoseconds: 20_000_000)
            count += 1
        }
        return count
    }

    // Pitfall 25
    @Test(arguments: SelectorKind.allCases)
    func aConnectThatIsNotOverWaitsOn(kind: SelectorKind) throws {
        let calls = PendingConnectCalls()
        let harness = try SelectorHarness(kind, calls: calls)
        let owner = CompletionRecorder()
        // It can always be written to: so is a socket with an error queue, whatever its connect does.
        let (socket, _) = try harness.pair()
        calls.isPending = true
        try harness.connect(socket, to: .ipv4(.loopback, port: 1), owner: owner)
        #expect(turns(harness, for: .milliseconds(50)) < 60)
        #expect(owner.seen.isEmpty)
        calls.isPending = false
        harness.run(until: { !owner.seen.isEmpty })
        #expect(owner.results == [0])
    }

    // Pitfall 25
    @Test(arguments: SelectorKind.allCases, [ECONNREFUSED, EISCONN])
    func theCallItselfTellsWhatBecameOfAConnect(kind: SelectorKind, errno: Int32) throws {
        let calls = PendingConnectCalls()
        let harness = try SelectorHarness(kind, calls: calls)
        let owner = CompletionRecorder()
        let (socket, _) = try harness.pair()
        calls.isPending = true
        calls.connectErrors = [EINPROGRESS, errno]
        try harness.connect(socket, to: .ipv4(.loopback, port: 1), owner: owner)
        harness.run(until: { !owner.seen.isEmpty })
        #expect(owner.results == [errno == EISCONN ? 0 : -errno])
    }

    // Pitfall 39
    @Test(arguments: SelectorKind.allCases)
    func aListenerWhoseConnectionsAllFailRests(kind: SelectorKind) throws {
        let calls = FaultySocketCalls()
        let harness = try SelectorHarness(kind, calls: calls)
        let (listener, address) = try harness.listener()
        let owner = CompletionRecorder()
        owner.onCompletion = { harness.adopt(FileDescriptor(rawValue: $0.result)) }
        harness.backend.submit(.accept(listener), owner: owner)
        let peer = try RawPeer(connectedTo: try #require(address.port))
        calls.acceptErrors = [Int32](repeating: ENETDOWN, count: 1_000_000)
        #expect(turns(harness, for: .milliseconds(50)) < 60)
        calls.acceptErrors = []
        harness.run(until: { !owner.seen.isEmpty })
        #expect(owner.results.allSatisfy { $0 >= 0 })
        peer.close()
        owner.onCompletion = nil
    }

    // Pitfall 44
    @Test(arguments: SelectorKind.allCases)
    func whatOthersWereFasterAtDoesNotRest(kind: SelectorKind) throws {
        let calls = FaultySocketCalls()
        let harness = try SelectorHarness(kind, calls: calls)
        let (socket, peer) = try harness.pair()
        let owner = CompletionRecorder()
        harness.backend.submit(.receive(socket), owner: owner)
        for _ in 0..<20 {
            harness.backend.settle()
            try checkCall(Int32(send(peer.rawValue, "x", 1, 0)))
            harness.backend.poll(timeoutNanoseconds: secondInNanoseconds)
            #expect(harness.drain(socket) == Array("x".utf8))
            harness.backend.deliver()
        }
        #expect(harness.backend.resting.isEmpty && owner.seen.isEmpty)
    }

    @Test(arguments: SelectorKind.allCases)
    func whatRestsIsCancelledAtOnce(kind: SelectorKind) throws {
        let calls = FaultySocketCalls()
        let harness = try SelectorHarness(kind, calls: calls)
        let (socket, peer) = try harness.pair()
        let owner = CompletionRecorder()
        calls.receiveErrors = [Int32](repeating: EAGAIN, count: 1_000_000)
        let token = harness.backend.submit(.receive(socket), owner: owner)
        try checkCall(Int32(send(peer.rawValue, "x", 1, 0)))
        while harness.backend.resting.isEmpty { harness.turn(timeoutNanoseconds: secondInNanoseconds) }
        harness.backend.cancel(token)
        harness.backend.settle()
        #expect(owner.seen == [Seen(token: token, result: -ECANCELED, isFinal: true)])
        #expect(harness.backend.resting.isEmpty)
        // The side is free, and what comes is received.
        calls.receiveErrors = []
        harness.backend.submit(.receive(socket), owner: owner)
        harness.run(until: { owner.bytes == Array("x".utf8) })
    }

    // MARK: - The ring

    /// A descriptor that is always ready, since it is none.
    @Test(arguments: [OperationKind.receiveOnce, .send])
    func aRingsOperationThatIsReadyInVainRests(kind: OperationKind) throws {
        let harness = try ScriptedHarness()
        let token = kind == .send ? harness.send() : harness.receiveOnce()
        harness.turn()
        var tries = 1
        while harness.backend.resting.isEmpty, tries < 100 {
            harness.ring.complete(token, -EAGAIN)
            harness.turn()
            guard harness.backend.resting.isEmpty else { break }
            harness.ring.complete(token, 1)
            harness.turn()
            harness.turn()
            tries += 1
        }
        #expect(tries > 1 && tries == harness.ring.timesHandedOver(token))
        let limit = harness.backend.resting.limit(-1, now: harness.backend.system.now())
        #expect(limit >= 0 && limit <= 1_000_000)
        // A loop that is busy lets it go on, too.
        let deadline = ContinuousClock.now + TestLimit.wait
        harness.ring.isQuiet = true
        while harness.ring.timesHandedOver(token) == tries, ContinuousClock.now < deadline {
            harness.turn(timeoutNanoseconds: 0)
        }
        harness.ring.complete(token, 7)
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: 7, isFinal: true)])
        harness.close()
    }

    // Pitfall 21
    @Test func aRingsOperationThatRestsIsCancelledAtOnce() throws {
        let harness = try ScriptedHarness()
        let token = harness.receiveOnce()
        while harness.backend.resting.isEmpty {
            harness.turn()
            harness.ring.complete(token, -EAGAIN)
            harness.turn()
            harness.ring.complete(token, 1)
        }
        harness.ring.completions = []
        harness.backend.cancel(token)
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: -ECANCELED, isFinal: true)])
        harness.close()
    }

    // Pitfall 22
    @Test func aCancelThatFoundNothingIsRepeatedUntilItsTargetIsOver() throws {
        let harness = try ScriptedHarness()
        let token = harness.receiveOnce()
        harness.turn()
        harness.backend.cancel(token)
        harness.turn()
        let request = token.named(.cancel)
        harness.ring.complete(request, -ENOENT)
        harness.turn()
        harness.turn()
        #expect(harness.ring.handedOver == [.operation(token), .cancel(token), .cancel(token)])
        harness.ring.complete(token, -ECANCELED)
        harness.turn()
        harness.ring.complete(request, -ENOENT)
        harness.turn()
        harness.turn()
        #expect(harness.owner.seen == [Seen(token: token, result: -ECANCELED, isFinal: true)])
        #expect(harness.ring.handedOver.count == 3)
        harness.close()
    }

    // Pitfall 39
    @Test func aRingsListenerWhoseConnectionsAllFailRests() throws {
        let harness = try ScriptedHarness()
        let token = harness.accept()
        harness.turn()
        var failures = 0
        while harness.backend.resting.isEmpty, failures < 1000 {
            harness.ring.complete(token, -ENETDOWN)
            harness.turn()
            failures += 1
        }
        #expect(failures > 1 && failures < 1000)
        #expect(harness.owner.seen.isEmpty)
        harness.close()
    }

    // MARK: - A kernel that refuses

    // Pitfall 4
    @Test(arguments: [EBUSY, EAGAIN, EBADR, ENOMEM])
    func aRefusedRingRestsAndLosesNothing(_ errno: Int32) throws {
        let harness = try ScriptedHarness()
        let ring = harness.ring
        ring.waitScript = [Int32](repeating: -errno, count: 20)
        let token = harness.send()
        for _ in 0..<20 { harness.turn() }
        #expect(ring.rests.count == 20)
        #expect(ring.rests == ring.rests.sorted() && Set(ring.rests).count > 5)
        #expect(try #require(ring.rests.last) <= 20_000_000)
        #expect(ring.timesHandedOver(token) == 0)
        harness.turn()
        #expect(ring.timesHandedOver(token) == 1)
        ring.complete(token, 5)
        harness.turn()
        #expect(harness.owner.results == [5])
        // The next refusal is another one's first.
        ring.waitScript = [-errno]
        harness.turn()
        #expect(ring.rests.count == 21 && ring.rests.last == ring.rests.first)
        harness.close()
    }

    // Pitfall 4
    @Test func aRefusedRingRestsNoLongerThanItWouldHaveWaited() throws {
        let harness = try ScriptedHarness()
        harness.ring.waitScript = [Int32](repeating: -ENOMEM, count: 20)
        for _ in 0..<10 { harness.turn(timeoutNanoseconds: 1_000) }
        #expect(harness.ring.rests == [Int64](repeating: 1_000, count: 10))
        // There is something else to do.
        for _ in 0..<10 { harness.turn(timeoutNanoseconds: 0) }
        #expect(harness.ring.rests.count == 10)
        harness.close()
    }

    // Pitfall 4
    @Test(arguments: [ENOMEM, EBUSY])
    func aLoopWhoseRingIsRefusedKeepsItsTimers(_ errno: Int32) throws {
        let ring = ScriptedRing()
        ring.onWait = { [unowned ring] in ring.waitScript = [-errno] }
        ring.waitScript = [-errno]
        // A real one takes at least as long.
        ring.onRest = { usleep(UInt32($0 / 1000) + 50) }
        let backend = UringBackend(
            ring: ring,
            system: LinuxSystemCalls(nonBlocking: false),
            completionsPerTurn: 64
        )
        let loop = BaseEventLoop(backend: backend, label: "proactor.refused")
        var order: [Int] = []
        for number in 1...3 { try loop.callLater(.milliseconds(number * 4)) { order.append(number) } }
        try loop.callLater(.milliseconds(20)) { loop.stop() }
        try loop.runForever()
        #expect(order == [1, 2, 3])
        #expect(ring.rests.allSatisfy { $0 <= 20_000_000 } && ring.rests.count < 2000)
        ring.onWait = nil
        ring.waitScript = []
        try loop.close()
    }

    // Pitfall 24
    @Test func pipesOutliveTheRing() throws {
        let harness = try ScriptedHarness()
        let descriptor = ScriptedHarness.descriptor
        let memory = FileTransferMemory(
            FileTransfer(socket: descriptor, file: descriptor, offset: 0, count: 10)
        )
        let token = harness.backend.submit(.sendFile(memory.pointer), owner: harness.owner)
        memory.pointer.pointee.stepsInFlight = 1
        harness.turn()
        let lent = try #require(harness.backend.pipes.lent.first)
        let idle = try harness.backend.pipes.take()
        harness.backend.pipes.giveBack(idle, isEmpty: true)
        var wereOpen = false
        harness.ring.onDestroy = {
            wereOpen = [lent.input, lent.output, idle.input, idle.output].allSatisfy(isOpen)
        }
        // The kernel never says what has become of the transfer, and may go on with it.
        harness.backend.close()
        #expect(wereOpen)
        #expect(isOpen(lent.input) && isOpen(lent.output))
        #expect(memory.pointer.pointee.sent == 0 && token.kind == .sendFile)
        try lent.input.close()
        try lent.output.close()
    }
}

/// A socket whose connect is under way for as long as a test says.
private final class PendingConnectCalls: SocketCalls {
    var isPending = false
    var connectErrors: [Int32] = []

    override func connect(_ socket: Int32, _ address: UnsafeMutablePointer<KernelAddress>) -> Int32 {
        connectErrors.isEmpty ? -EINPROGRESS : -connectErrors.removeFirst()
    }

    override func hasPeer(_ socket: Int32) -> Bool { !isPending }
}
