import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct SelectorBackendCancelTests {
    // Pitfall 22
    @Test func aReceiveThatCannotWaitIsNotEndedTwiceByACancel() throws {
        let calls = FaultySocketCalls()
        let harness = try SelectorHarness(.epoll, calls: calls)
        // What has nothing yet, and cannot be watched: epoll takes no regular file.
        calls.receiveErrors = [EAGAIN]
        let place = try TemporaryFile([1])
        let file = try FileDescriptor.open(place.path, .readOnly)
        harness.adopt(file)
        let recorder = CompletionRecorder()
        let token = harness.backend.submit(.receiveOnce(file, maxCount: 1), owner: recorder)
        harness.backend.settle()
        harness.backend.cancel(token)
        harness.turn()
        harness.turn()
        #expect(recorder.seen == [.init(token: token, result: -EPERM, isFinal: true)])
        #expect(harness.backend.operationCount == 0)
    }

    // Pitfall 22
    @Test(arguments: SelectorKind.allCases) func aCancelledReceiveEndsOnce(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        let (first, second) = (CompletionRecorder(), CompletionRecorder())
        let token = harness.backend.submit(.receive(local), owner: first)
        harness.turn()
        harness.backend.cancel(token)
        harness.backend.cancel(token)
        #expect(first.seen.isEmpty)
        try peer.writeAll([1, 2])
        harness.turn()
        #expect(first.seen == [.init(token: token, result: -ECANCELED, isFinal: true)])
        harness.backend.cancel(token)
        harness.turn()
        #expect(first.seen.count == 1)
        // The bytes are the next one's. Behaviour 25
        harness.backend.submit(.receive(local), owner: second)
        harness.run(until: { !second.seen.isEmpty })
        #expect(second.bytes == [1, 2])
        #expect(first.seen.count == 1)
    }

    @Test(arguments: SelectorKind.allCases) func aNewReceiveMayFollowACancelAtOnce(_ kind: SelectorKind)
        throws
    {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        let (first, second) = (CompletionRecorder(), CompletionRecorder())
        harness.backend.cancel(harness.backend.submit(.receive(local), owner: first))
        let token = harness.backend.submit(.receive(local), owner: second)
        harness.turn()
        #expect(first.results == [-ECANCELED])
        try peer.writeAll([1])
        harness.run(until: { !second.seen.isEmpty })
        #expect(second.seen == [.init(token: token, result: 1, isFinal: false, bytes: [1])])
    }

    @Test(arguments: SelectorKind.allCases) func aReceiveCancelsItself(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        let recorder = CompletionRecorder()
        let token = harness.backend.submit(.receive(local), owner: recorder)
        recorder.onCompletion = { completion in
            if !completion.isFinal { harness.backend.cancel(completion.token) }
        }
        try peer.writeAll([1])
        harness.run(until: { !recorder.finals.isEmpty })
        #expect(recorder.results == [1, -ECANCELED])
        #expect(recorder.finals.map(\.token) == [token])
        recorder.onCompletion = nil
    }

    // Pitfall 15
    @Test(arguments: SelectorKind.allCases) func whatACallbackCancelsIsNotReadInItsTurn(_ kind: SelectorKind)
        throws
    {
        let harness = try SelectorHarness(kind)
        let pairs = [try harness.pair(), try harness.pair()]
        let recorders = [CompletionRecorder(), CompletionRecorder()]
        let tokens = (0..<2).map { harness.backend.submit(.receive(pairs[$0].0), owner: recorders[$0]) }
        for index in 0..<2 {
            recorders[index].onCompletion = { completion in
                if !completion.isFinal { harness.backend.cancel(tokens[1 - index]) }
            }
            try pairs[index].1.writeAll([UInt8(index)])
        }
        harness.turn()
        let received = recorders.filter { $0.results.contains(1) }
        #expect(received.count == 1)
        harness.turn()
        let cancelled = try #require(recorders.first { $0.results == [-ECANCELED] })
        let index = cancelled === recorders[0] ? 0 : 1
        #expect(harness.drain(pairs[index].0) == [UInt8(index)])
        for recorder in recorders { recorder.onCompletion = nil }
    }

    @Test(arguments: SelectorKind.allCases) func aCancelledAcceptLeavesTheListener(_ kind: SelectorKind)
        throws
    {
        let harness = try SelectorHarness(kind)
        let (listener, address) = try harness.listener(.ipv4(.loopback, port: 0))
        let (first, second, connector) = (CompletionRecorder(), CompletionRecorder(), CompletionRecorder())
        let token = harness.backend.submit(.accept(listener), owner: first)
        harness.turn()
        harness.backend.cancel(token)
        _ = try harness.connect(try harness.socket(), to: address, owner: connector)
        harness.run(until: { !connector.seen.isEmpty })
        #expect(first.seen == [.init(token: token, result: -ECANCELED, isFinal: true)])
        // Behaviour 24
        harness.backend.submit(.accept(listener), owner: second)
        harness.run(until: { !second.seen.isEmpty })
        let accepted = try #require(second.results.first)
        #expect(accepted >= 0)
        harness.adopt(FileDescriptor(rawValue: accepted))
        #expect(first.seen.count == 1)
    }

    @Test(arguments: SelectorKind.allCases) func aCancelledConnectEndsOnce(_ kind: SelectorKind) throws {
        let calls = FaultySocketCalls()
        // The kernel drops a connect to a full backlog on the floor, which is as good as this.
        calls.connectErrors = [EINPROGRESS]
        let harness = try SelectorHarness(kind, calls: calls)
        let recorder = CompletionRecorder()
        let token = try harness.connect(
            try harness.socket(),
            to: .ipv4(.loopback, port: 9),
            owner: recorder
        )
        harness.backend.cancel(token)
        harness.turn()
        harness.turn()
        #expect(recorder.seen == [.init(token: token, result: -ECANCELED, isFinal: true)])
        #expect(harness.backend.operationCount == 0)
    }

    @Test(arguments: SelectorKind.allCases) func aCancelledSendEndsOnce(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        let recorder = CompletionRecorder()
        let token = harness.fill(local, owner: recorder)
        let sent = recorder.results.reduce(0) { $0 + Int($1) }
        harness.backend.cancel(token)
        let received = harness.drain(peer).count
        harness.turn()
        harness.turn()
        #expect(recorder.finals.last == .init(token: token, result: -ECANCELED, isFinal: true))
        #expect(received + harness.drain(peer).count == sent)
        #expect(harness.backend.operationCount == 0)
    }

    // Pitfall 21
    @Test(arguments: SelectorKind.allCases) func aCancelThatComesTooLateChangesNothing(_ kind: SelectorKind)
        throws
    {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        let recorder = CompletionRecorder()
        let token = harness.send([1, 2, 3], on: local, owner: recorder)
        harness.backend.cancel(token)
        harness.turn()
        harness.turn()
        #expect(recorder.seen == [.init(token: token, result: 3, isFinal: true)])
        #expect(harness.drain(peer) == [1, 2, 3])
    }

    // Pitfall 20
    @Test(arguments: SelectorKind.allCases) func aCancelOfThePastHitsNobody(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        let (sender, receiver) = (CompletionRecorder(), CompletionRecorder())
        let past = harness.send([1], on: local, owner: sender)
        harness.backend.settle()
        let token = harness.backend.submit(.receive(local), owner: receiver)
        #expect(token.slot == past.slot)
        harness.backend.cancel(past)
        try peer.writeAll([2])
        harness.run(until: { !receiver.seen.isEmpty })
        #expect(receiver.bytes == [2])
        #expect(receiver.finals.isEmpty)
    }

    // Behaviour 25
    @Test(arguments: SelectorKind.allCases, [OperationKind.receiveOnce, .receiveInto])
    func aReceiveThatHasNotTriedYetIsCancelled(_ kind: SelectorKind, by operation: OperationKind) throws {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        let recorder = CompletionRecorder()
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 10, alignment: 1)
        defer { room.deallocate() }
        try peer.writeAll([1])
        harness.backend.cancel(
            harness.backend.submit(
                operation == .receiveInto ? .receiveInto(local, room) : .receiveOnce(local, maxCount: 10),
                owner: recorder
            )
        )
        harness.run(until: { !recorder.finals.isEmpty })
        #expect(recorder.results == [-ECANCELED])
        #expect(harness.drain(local) == [1])
    }

    // A peer that was answered within the turn has answered in its turn by then.
    @Test(arguments: SelectorKind.allCases) func aReceiveIntoMemoryTakesWhatComesBeforeThePoll(
        _ kind: SelectorKind
    ) throws {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        let recorder = CompletionRecorder()
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 10, alignment: 1)
        defer { room.deallocate() }
        harness.backend.submit(.receiveInto(local, room), owner: recorder)
        try peer.writeAll([1, 2])
        harness.backend.settle()
        #expect(recorder.results == [2])
        #expect(Array(room.prefix(2)) == [1, 2])
    }

    @Test(arguments: SelectorKind.allCases) func datagramsBehindACancelStayInTheSocket(
        _ kind: SelectorKind
    ) throws {
        let harness = try SelectorHarness(kind)
        var pair: [Int32] = [-1, -1]
        try SocketPair.check(
            socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair)
        )
        let (local, peer) = (FileDescriptor(rawValue: pair[0]), FileDescriptor(rawValue: pair[1]))
        harness.adopt(local)
        harness.adopt(peer)
        let reception = DatagramReception.allocate(for: .unix)
        defer { reception.free() }
        for number: UInt8 in 1...2 { try peer.writeAll([number]) }
        let recorder = CompletionRecorder()
        recorder.onCompletion = { completion in
            if !completion.isFinal { harness.backend.cancel(completion.token) }
        }
        harness.backend.submit(.receiveDatagrams(local, reception), owner: recorder)
        harness.run(until: { !recorder.finals.isEmpty })
        #expect(recorder.results == [1, -ECANCELED])
        #expect(harness.drain(local) == [2])
        recorder.onCompletion = nil
    }
}
