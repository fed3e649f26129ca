import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct SelectorBackendTests {
    // MARK: - Receiving and sending

    @Test(arguments: SelectorKind.allCases) func echoesOverASocketPair(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        let (receiver, sender) = (CompletionRecorder(), CompletionRecorder())
        receiver.onCompletion = { completion in
            guard !completion.isFinal else { return }
            _ = harness.send(Array(completion.bytes), on: local, owner: sender)
        }
        let token = harness.backend.submit(.receive(local), owner: receiver)
        var echoed: [UInt8] = []
        for round in 0..<50 {
            let message = [UInt8](repeating: UInt8(round), count: 1 + round * 7)
            try peer.writeAll(message)
            harness.run(until: { sender.finals.count == round + 1 })
            let answer = harness.drain(peer)
            #expect(answer == message)
            echoed += answer
        }
        #expect(receiver.bytes == echoed)
        let counts = (0..<50).map { Int32(1 + $0 * 7) }
        #expect(sender.results == counts)
        #expect(harness.backend.operationCount == 1)
        harness.backend.cancel(token)
        harness.turn()
        #expect(harness.backend.operationCount == 0)
        receiver.onCompletion = nil
    }

    @Test(arguments: SelectorKind.allCases) func endOfStreamEndsAReceive(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        let recorder = CompletionRecorder()
        harness.backend.submit(.receive(local), owner: recorder)
        try peer.writeAll([1, 2, 3])
        try harness.backend.system.shutdownWriting(peer)
        harness.run(until: { !recorder.finals.isEmpty })
        #expect(recorder.bytes == [1, 2, 3])
        #expect(recorder.results == [3, 0])
        #expect(harness.backend.operationCount == 0)
    }

    @Test(arguments: SelectorKind.allCases) func receivesIntoTheCallersMemory(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        let recorder = CompletionRecorder()
        let memory = harness.buffer([0, 0, 0, 0])
        harness.backend.submit(.receiveInto(local, memory), owner: recorder)
        harness.turn()
        #expect(recorder.seen.isEmpty)
        try peer.writeAll([1, 2, 3, 4, 5])
        harness.run(until: { !recorder.seen.isEmpty })
        #expect(recorder.results == [4])
        #expect(Array(memory) == [1, 2, 3, 4])
        // What is there already comes without a wait.
        harness.backend.submit(.receiveInto(local, memory), owner: recorder)
        harness.backend.settle()
        #expect(recorder.results == [4, 1])
        #expect(memory[0] == 5)
        #expect(harness.backend.operationCount == 0)
    }

    @Test(arguments: SelectorKind.allCases) func sendsWhatAMessageHeaderNames(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        let recorder = CompletionRecorder()
        let parts = [harness.buffer([1, 2]), harness.buffer([3, 4, 5])]
        var vectors = parts.map { iovec(iov_base: $0.baseAddress, iov_len: $0.count) }
        vectors.withUnsafeMutableBufferPointer { vectors in
            var header = msghdr()
            header.msg_iov = vectors.baseAddress
            header.msg_iovlen = vectors.count
            withUnsafeMutablePointer(to: &header) { header in
                harness.backend.submit(.sendMessage(local, header), owner: recorder)
                harness.backend.settle()
            }
        }
        #expect(recorder.results == [5])
        #expect(harness.drain(peer) == [1, 2, 3, 4, 5])
    }

    @Test(arguments: SelectorKind.allCases) func aFullBufferHoldsASendUpUntilThereIsRoom(_ kind: SelectorKind)
        throws
    {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        let recorder = CompletionRecorder()
        let waiting = harness.fill(local, owner: recorder)
        harness.turn()
        #expect(recorder.finals.last?.token != waiting)
        #expect(harness.backend.operationCount == 1)
        var received = harness.drain(peer).count
        harness.run(until: { recorder.finals.last?.token == waiting })
        received += harness.drain(peer).count
        #expect(recorder.results.allSatisfy { $0 > 0 })
        #expect(received == recorder.results.reduce(0) { $0 + Int($1) })
        #expect(harness.backend.operationCount == 0)
    }

    // Pitfall 34
    @Test(arguments: SelectorKind.allCases) func aShortSendSaysItsCount(_ kind: SelectorKind) throws {
        let calls = FaultySocketCalls()
        calls.sendMax = 3
        let harness = try SelectorHarness(kind, calls: calls)
        let (local, peer) = try harness.pair()
        let recorder = CompletionRecorder()
        _ = harness.send([1, 2, 3, 4, 5], on: local, owner: recorder)
        harness.backend.settle()
        #expect(recorder.results == [3])
        #expect(harness.drain(peer) == [1, 2, 3])
    }

    @Test(arguments: SelectorKind.allCases) func bothSidesOfADescriptorWorkAtOnce(_ kind: SelectorKind) throws
    {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        let (receiver, sender) = (CompletionRecorder(), CompletionRecorder())
        harness.backend.submit(.receive(local), owner: receiver)
        let waiting = harness.fill(local, owner: sender)
        try peer.writeAll([1])
        harness.run(until: { !receiver.seen.isEmpty })
        #expect(sender.finals.last?.token != waiting)
        _ = harness.drain(peer)
        harness.run(until: { sender.finals.last?.token == waiting })
        // The end of the one leaves the other's registration whole.
        try peer.writeAll([2])
        harness.run(until: { receiver.seen.count == 2 })
        #expect(receiver.bytes == [1, 2])
        #expect(harness.backend.operationCount == 1)
    }

    @Test(arguments: SelectorKind.allCases) func aHangUpWakesBothSides(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        let (receiver, sender) = (CompletionRecorder(), CompletionRecorder())
        harness.backend.submit(.receive(local), owner: receiver)
        let waiting = harness.fill(local, owner: sender)
        harness.disown(peer)
        try peer.close()
        harness.run(until: { !receiver.finals.isEmpty && sender.finals.last?.token == waiting })
        // The peer left bytes unread, which a Unix socket reports as a reset.
        #expect(receiver.results == [-ECONNRESET])
        #expect(sender.results.last == -EPIPE)
        #expect(harness.backend.operationCount == 0)
    }

    @Test(arguments: SelectorKind.allCases) func aWriteToAClosedPeerIsNoSignal(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let (local, peer) = try harness.pair()
        harness.disown(peer)
        try peer.close()
        #expect(seesHangUp(local))
        let recorder = CompletionRecorder()
        _ = harness.send([1], on: local, owner: recorder)
        harness.backend.settle()
        #expect(recorder.results == [-EPIPE])
    }

    // MARK: - Delivery

    @Test(arguments: SelectorKind.allCases) func submissionCallsNoOwner(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let (local, _) = try harness.pair()
        let recorder = CompletionRecorder()
        let token = harness.send([1, 2], on: local, owner: recorder)
        #expect(recorder.seen.isEmpty)
        #expect(harness.backend.operationCount == 1)
        harness.backend.settle()
        #expect(recorder.seen == [.init(token: token, result: 2, isFinal: true)])
        #expect(harness.backend.operationCount == 0)
    }

    @Test(arguments: SelectorKind.allCases) func settlingLeavesWhatCallbacksAdd(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let (local, _) = try harness.pair()
        let recorder = CompletionRecorder()
        recorder.onCompletion = { _ in
            if recorder.seen.count < 3 { _ = harness.send([1], on: local, owner: recorder) }
        }
        _ = harness.send([1], on: local, owner: recorder)
        for settled in 1...3 {
            harness.backend.settle()
            #expect(recorder.seen.count == settled)
        }
        harness.backend.settle()
        #expect(recorder.seen.count == 3)
        recorder.onCompletion = nil
    }

    @Test(arguments: SelectorKind.allCases) func aPollDoesNotSleepOnWhatIsOver(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let (local, _) = try harness.pair()
        let recorder = CompletionRecorder()
        _ = harness.send([1], on: local, owner: recorder)
        harness.backend.poll(timeoutNanoseconds: -1)
        #expect(recorder.seen.isEmpty)
        harness.backend.deliver()
        #expect(recorder.results == [1])
    }

    // On threads of their own, so that nothing cuts these waits short: on a thread that had a ring, the kernel ends that ring
    // some time after it was closed, and interrupts the thread for it.
    @Test(arguments: SelectorKind.allCases) func aPollTakesItsTime(_ kind: SelectorKind) async throws {
        try await onThread {
            let harness = try SelectorHarness(kind)
            for nanoseconds: Int64 in [300_000, 2_000_000] {
                let start = harness.backend.system.now()
                harness.backend.poll(timeoutNanoseconds: nanoseconds)
                #expect(start.duration(to: harness.backend.system.now()) >= .nanoseconds(nanoseconds))
            }
        }
    }

    @Test(arguments: SelectorKind.allCases) func anotherThreadEndsAPoll(_ kind: SelectorKind) async throws {
        try await onThread {
            let harness = try SelectorHarness(kind)
            let waker = harness.backend.waker
            for _ in 0..<20 {
                let other = TestThread { waker.wake() }
                harness.backend.poll(timeoutNanoseconds: -1)
                other.join()
                harness.backend.deliver()
            }
            let start = harness.backend.system.now()
            harness.backend.poll(timeoutNanoseconds: 1_000_000)
            #expect(start.duration(to: harness.backend.system.now()) >= .milliseconds(1))
        }
    }

    @Test(arguments: SelectorKind.allCases) func closingReleasesOwnersWithoutAWord(_ kind: SelectorKind)
        throws
    {
        let harness = try SelectorHarness(kind)
        let (local, _) = try harness.pair()
        var heard = 0
        var recorder: CompletionRecorder? = CompletionRecorder()
        recorder?.onCompletion = { _ in heard += 1 }
        weak let observed = recorder
        harness.backend.submit(.receive(local), owner: recorder)
        _ = harness.send([1], on: local, owner: recorder!)
        recorder = nil
        #expect(observed != nil)
        harness.backend.close()
        #expect(observed == nil)
        #expect(heard == 0)
        #expect(harness.backend.operationCount == 0)
    }

    // MARK: - Faults

    // Pitfall 44
    @Test(arguments: SelectorKind.allCases) func readinessWithoutBytesIsNothing(_ kind: SelectorKind) throws {
        let calls = FaultySocketCalls()
        calls.receiveErrors = [EAGAIN, EINTR, EAGAIN]
        let harness = try SelectorHarness(kind, calls: calls)
        let (local, peer) = try harness.pair()
        let recorder = CompletionRecorder()
        harness.backend.submit(.receive(local), owner: recorder)
        try peer.writeAll([9])
        harness.turn()
        harness.turn()
        #expect(recorder.seen.isEmpty)
        harness.turn()
        #expect(recorder.bytes == [9])
    }

    @Test(arguments: SelectorKind.allCases) func aReceiveEndsWithItsError(_ kind: SelectorKind) throws {
        let calls = FaultySocketCalls()
        calls.receiveErrors = [ECONNRESET]
        let harness = try SelectorHarness(kind, calls: calls)
        let (local, peer) = try harness.pair()
        let recorder = CompletionRecorder()
        let token = harness.backend.submit(.receive(local), owner: recorder)
        try peer.writeAll([9])
        harness.run(until: { !recorder.finals.isEmpty })
        #expect(recorder.seen == [.init(token: token, result: -ECONNRESET, isFinal: true)])
    }

    @Test(arguments: SelectorKind.allCases) func anInterruptedSendIsMadeAgain(_ kind: SelectorKind) throws {
        let calls = FaultySocketCalls()
        calls.sendErrors = [EINTR, EINTR, EAGAIN, EINTR, EAGAIN]
        let harness = try SelectorHarness(kind, calls: calls)
        let (local, peer) = try harness.pair()
        let recorder = CompletionRecorder()
        _ = harness.send([1, 2], on: local, owner: recorder)
        harness.run(until: { !recorder.seen.isEmpty })
        #expect(recorder.results == [2])
        #expect(calls.sendErrors.isEmpty)
        #expect(harness.drain(peer) == [1, 2])
    }

    @Test(arguments: SelectorKind.allCases) func aWrongDescriptorIsACompletion(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let recorder = CompletionRecorder()
        for number in [-1, HighNumber.unused] {
            let descriptor = FileDescriptor(rawValue: number)
            harness.backend.submit(.receive(descriptor), owner: recorder)
            _ = harness.send([1], on: descriptor, owner: recorder)
            harness.run(until: { harness.backend.operationCount == 0 })
            harness.backend.submit(.close(descriptor), owner: recorder)
            harness.backend.settle()
        }
        #expect(Set(recorder.results) == [-EBADF])
        #expect(recorder.finals.count == recorder.seen.count)
    }

    @Test func whatEpollCannotWatchEndsWithItsError() throws {
        let harness = try SelectorHarness(.epoll)
        let file = try FileDescriptor.open("/proc/self/exe", .readOnly)
        harness.adopt(file)
        let recorder = CompletionRecorder()
        harness.backend.submit(.receive(file), owner: recorder)
        harness.backend.settle()
        #expect(recorder.results == [-EPERM])
        #expect(recorder.finals.count == 1)
    }
}
