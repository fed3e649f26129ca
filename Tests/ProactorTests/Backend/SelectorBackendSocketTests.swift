import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Proactor

/// Accepting, connecting and closing.
@Suite struct SelectorBackendSocketTests {
    // Pitfall 21
    @Test(arguments: SelectorKind.allCases) func aConnectionThatNobodyHeardOfIsClosed(_ kind: SelectorKind)
        throws
    {
        let harness = try SelectorHarness(kind)
        let (listener, address) = try harness.listener(.ipv4(.loopback, port: 0))
        let peer = try RawPeer(connectedTo: try #require(address.port))
        let memory = AddressMemory(.blank)
        let owner = CompletionRecorder()
        // It is there already, so it is accepted at once and told later.
        harness.backend.submit(.acceptOnce(listener, memory.pointer), owner: owner)
        #expect(owner.seen.isEmpty)
        harness.backend.close()
        peer.waitUntilOver()
        #expect(peer.isOver)
    }

    @Test(arguments: SelectorKind.allCases) func acceptsWhatConnects(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let (listener, address) = try harness.listener(.ipv4(.loopback, port: 0))
        let (acceptor, connector) = (CompletionRecorder(), CompletionRecorder())
        acceptor.onCompletion = { completion in
            if completion.result >= 0 { harness.adopt(FileDescriptor(rawValue: completion.result)) }
        }
        let token = harness.backend.submit(.accept(listener), owner: acceptor)
        for _ in 0..<5 {
            _ = try harness.connect(try harness.socket(), to: address, owner: connector)
        }
        harness.run(until: { acceptor.seen.count == 5 && connector.seen.count == 5 })
        #expect(connector.results == [0, 0, 0, 0, 0])
        #expect(acceptor.seen.allSatisfy { $0.token == token && !$0.isFinal && $0.result >= 0 })
        let flags = fcntl(acceptor.results[0], F_GETFL)
        #expect(flags & O_NONBLOCK != 0)
        #expect(fcntl(acceptor.results[0], F_GETFD) & FD_CLOEXEC != 0)
        #expect(harness.backend.operationCount == 1)
        acceptor.onCompletion = nil
    }

    @Test(arguments: SelectorKind.allCases) func anAcceptThatIsCancelledMidwayStops(_ kind: SelectorKind)
        throws
    {
        let harness = try SelectorHarness(kind)
        let (listener, address) = try harness.listener(.unixAbstract(name: Self.name(kind, 1)))
        let (acceptor, connector) = (CompletionRecorder(), CompletionRecorder())
        acceptor.onCompletion = { completion in
            guard completion.result >= 0 else { return }
            harness.adopt(FileDescriptor(rawValue: completion.result))
            harness.backend.cancel(completion.token)
        }
        for _ in 0..<3 { _ = try harness.connect(try harness.socket(.unix), to: address, owner: connector) }
        harness.backend.settle()
        #expect(connector.results == [0, 0, 0])
        for round in 1...3 {
            harness.backend.submit(.accept(listener), owner: acceptor)
            harness.run(until: { acceptor.finals.count == round })
            #expect(acceptor.seen.count == 2 * round)
        }
        #expect(acceptor.finals.map(\.result) == [-ECANCELED, -ECANCELED, -ECANCELED])
        acceptor.onCompletion = nil
    }

    // Pitfall 39
    @Test(arguments: SelectorKind.allCases, [EMFILE, ENFILE, ENOBUFS, ENOMEM])
    func exhaustionEndsAnAccept(_ kind: SelectorKind, error: Int32) throws {
        let calls = FaultySocketCalls()
        calls.acceptErrors = [
            ECONNABORTED, EINTR, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH,
            error,
        ]
        let harness = try SelectorHarness(kind, calls: calls)
        let (listener, address) = try harness.listener(.unixAbstract(name: Self.name(kind, error)))
        let (acceptor, connector) = (CompletionRecorder(), CompletionRecorder())
        let token = harness.backend.submit(.accept(listener), owner: acceptor)
        _ = try harness.connect(try harness.socket(.unix), to: address, owner: connector)
        harness.run(until: { !acceptor.seen.isEmpty })
        #expect(acceptor.seen == [.init(token: token, result: -error, isFinal: true)])
        // The listener is sound: the next accept gets the connection.
        harness.backend.submit(.accept(listener), owner: acceptor)
        harness.run(until: { acceptor.seen.count == 2 })
        #expect(acceptor.results[1] >= 0)
        harness.adopt(FileDescriptor(rawValue: acceptor.results[1]))
    }

    @Test(arguments: SelectorKind.allCases) func aConnectionForNobodyIsClosed(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let (listener, address) = try harness.listener(.unixAbstract(name: Self.name(kind, 2)))
        let (connector, receiver) = (CompletionRecorder(), CompletionRecorder())
        harness.backend.submit(.accept(listener), owner: nil)
        let socket = try harness.socket(.unix)
        _ = try harness.connect(socket, to: address, owner: connector)
        harness.backend.settle()
        harness.backend.submit(.receive(socket), owner: receiver)
        harness.run(until: { !receiver.seen.isEmpty })
        #expect(receiver.results == [0])
    }

    @Test(arguments: SelectorKind.allCases) func aRefusedConnectSaysSo(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        // Bound but not listening: nobody else can have the port.
        let bound = try harness.socket()
        try harness.backend.system.bind(bound, to: .ipv4(.loopback, port: 0))
        let address = try harness.backend.system.localAddress(of: bound)
        let recorder = CompletionRecorder()
        let token = try harness.connect(try harness.socket(), to: address, owner: recorder)
        harness.run(until: { !recorder.seen.isEmpty })
        #expect(recorder.seen == [.init(token: token, result: -ECONNREFUSED, isFinal: true)])
        #expect(harness.backend.operationCount == 0)
    }

    // Pitfall 25
    @Test(arguments: SelectorKind.allCases, [EINTR, EALREADY, EINPROGRESS])
    func aConnectUnderWayIsWaitedFor(_ kind: SelectorKind, error: Int32) throws {
        let calls = FaultySocketCalls()
        let harness = try SelectorHarness(kind, calls: calls)
        let (_, address) = try harness.listener(.ipv4(.loopback, port: 0))
        let socket = try harness.socket()
        // The kernel has begun to connect, as it does when it says one of these.
        _ = try address.withKernelForm { Glibc.connect(socket.rawValue, $0, $1) }
        calls.connectErrors = [error]
        let recorder = CompletionRecorder()
        _ = try harness.connect(socket, to: address, owner: recorder)
        #expect(calls.connectErrors.isEmpty)
        harness.run(until: { !recorder.seen.isEmpty })
        #expect(recorder.results == [0])
    }

    @Test(arguments: SelectorKind.allCases)
    func aHangUpIsNoEndOfAConnectThatIsTriedAgain(_ kind: SelectorKind) throws {
        let calls = FaultySocketCalls()
        let harness = try SelectorHarness(kind, calls: calls)
        let socket = try harness.socket(.unix)
        calls.connectErrors = [EAGAIN, EAGAIN, EAGAIN]
        let (watcher, connector) = (CompletionRecorder(), CompletionRecorder())
        // A socket that is not connected counts as hung up.
        let watch = harness.backend.submit(.watch(socket, .read), owner: watcher)
        let connect = try harness.connect(
            socket,
            to: .unixAbstract(name: Self.name(kind, 9)),
            owner: connector
        )
        harness.turn()
        harness.turn()
        #expect(watcher.results == [0, 0])
        #expect(connector.seen.isEmpty && calls.connectErrors.isEmpty)
        harness.backend.cancel(watch)
        harness.backend.cancel(connect)
        harness.turn()
        #expect(connector.results == [-ECANCELED])
    }

    @Test(arguments: SelectorKind.allCases) func aConnectToAFullUnixBacklogWaits(_ kind: SelectorKind) throws
    {
        let harness = try SelectorHarness(kind)
        let (listener, address) = try harness.listener(.unixAbstract(name: Self.name(kind, 3)), backlog: 0)
        let (acceptor, early) = (CompletionRecorder(), CompletionRecorder())
        let (waiting, cancelled) = (CompletionRecorder(), CompletionRecorder())
        acceptor.onCompletion = { completion in
            if completion.result >= 0 { harness.adopt(FileDescriptor(rawValue: completion.result)) }
        }
        _ = try harness.connect(try harness.socket(.unix), to: address, owner: early)
        _ = try harness.connect(try harness.socket(.unix), to: address, owner: waiting)
        let token = try harness.connect(try harness.socket(.unix), to: address, owner: cancelled)
        harness.turn(timeoutNanoseconds: -1)
        harness.turn(timeoutNanoseconds: -1)
        #expect(early.results == [0])
        #expect(waiting.seen.isEmpty)
        harness.backend.cancel(token)
        harness.backend.submit(.accept(listener), owner: acceptor)
        harness.run(until: { !waiting.seen.isEmpty && acceptor.seen.count == 2 })
        #expect(waiting.results == [0])
        #expect(cancelled.seen == [.init(token: token, result: -ECANCELED, isFinal: true)])
        acceptor.onCompletion = nil
    }

    // Pitfall 15
    // Pitfall 42
    @Test(arguments: SelectorKind.allCases) func aNumberUsedAgainIsWatchedAgain(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let index = Int32(SelectorKind.allCases.firstIndex(of: kind)!)
        for round in 0..<3 {
            let (original, peer) = try harness.pair()
            let reused = try harness.duplicate(original, at: index)
            let (receiver, closer) = (CompletionRecorder(), CompletionRecorder())
            let token = harness.backend.submit(.receive(reused), owner: receiver)
            try peer.writeAll([UInt8(round)])
            harness.run(until: { !receiver.seen.isEmpty })
            #expect(receiver.bytes == [UInt8(round)])
            harness.backend.cancel(token)
            harness.backend.settle()
            harness.backend.submit(.close(reused), owner: closer)
            harness.backend.settle()
            #expect(closer.results == [0])
            #expect(fcntl(reused.rawValue, F_GETFD) == -1)
            // The file is still open as `original` and becomes readable. Pitfall 43
            try peer.writeAll([99])
            harness.turn()
            #expect(receiver.results == [1, -ECANCELED])
        }
        #expect(harness.backend.operationCount == 0)
    }

    // Pitfall 15
    @Test(arguments: SelectorKind.allCases) func aNumberUsedAgainWithinATurnGetsNothingOld(
        _ kind: SelectorKind
    ) throws {
        let harness = try SelectorHarness(kind)
        let index = 8 + Int32(SelectorKind.allCases.firstIndex(of: kind)!)
        let (first, firstPeer) = try harness.pair()
        let (victim, victimPeer) = try harness.pair()
        let (next, nextPeer) = try harness.pair()
        let reused = try harness.duplicate(victim, at: index)
        let (trigger, old, new) = (CompletionRecorder(), CompletionRecorder(), CompletionRecorder())
        harness.backend.submit(.receive(first), owner: trigger)
        let oldToken = harness.backend.submit(.receive(reused), owner: old)
        trigger.onCompletion = { completion in
            guard !completion.isFinal, old.seen.isEmpty else { return }
            harness.backend.cancel(oldToken)
            harness.backend.submit(.close(reused), owner: nil)
            #expect(throws: Never.self) { try harness.duplicate(next, at: index) }
            harness.backend.submit(.receive(reused), owner: new)
        }
        // In the order in which every selector finds them.
        try firstPeer.writeAll([1])
        try victimPeer.writeAll([2])
        harness.turn()
        harness.turn()
        #expect(old.results == [-ECANCELED])
        #expect(new.seen.isEmpty)
        try nextPeer.writeAll([3])
        harness.run(until: { !new.seen.isEmpty })
        #expect(new.bytes == [3])
        trigger.onCompletion = nil
        harness.adopt(reused)
    }

    @Test(.exitTest) func twoReceivesOnOneDescriptorTrap() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let backend = try SelectorBackend(kind: .epoll)
            let local = try SocketPair(.unix, for: backend).first
            backend.submit(.receive(local), owner: nil)
            backend.submit(.receive(local), owner: nil)
        }
        #expect(result.ended(saying: "two operations on one side of a descriptor"))
    }

    // Pitfall 16
    @Test(.exitTest) func closingUnderAnOperationTraps() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let backend = try SelectorBackend(kind: .epoll)
            let local = try SocketPair(.unix, for: backend).first
            backend.submit(.receive(local), owner: nil)
            backend.submit(.close(local), owner: nil)
        }
        #expect(result.ended(saying: "closed with an operation in flight"))
    }

    /// An abstract name that no other test and no other process has.
    private static func name(_ kind: SelectorKind, _ number: Int32) -> [UInt8] {
        Array("proactor-selector-\(getpid())-\(kind)-\(number)".utf8)
    }
}
