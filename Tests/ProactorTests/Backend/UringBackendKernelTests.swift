import CPosix
import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Every operation on the real kernel, with newer features and without.
@Suite(.needsRing) struct UringBackendKernelTests {
    private static func content(_ count: Int, seed: Int = 0) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 31) ^ ($0 >> 8) ^ seed) }
    }

    @Test(arguments: RingHarness.configurations)
    func largeContentIsEchoedWhole(_ configuration: RingConfiguration) throws {
        let harness = try RingHarness(configuration)
        let (client, server) = try harness.pair()
        let content = Self.content(1 << 20)
        RingEcho(harness, server).start()
        RingWriter(harness, client, content).start()
        let reader = CompletionRecorder()
        harness.backend.submit(.receive(client), owner: reader)
        harness.run(until: { !reader.finals.isEmpty && harness.backend.operationCount == 0 })
        #expect(reader.bytes == content)
        #expect(reader.finals.map(\.result) == [0])
        #expect(harness.backend.staleCompletionCount == 0)
    }

    @Test(arguments: RingHarness.configurations)
    func manyConnectionsAreEchoedOverTCP(_ configuration: RingConfiguration) throws {
        let harness = try RingHarness(configuration)
        let (listener, address) = try harness.listener()
        let (acceptor, connector) = (CompletionRecorder(), CompletionRecorder())
        acceptor.onCompletion = { [unowned harness] completion in
            guard completion.result >= 0 else { return }
            let socket = FileDescriptor(rawValue: completion.result)
            harness.adopt(socket)
            RingEcho(harness, socket).start()
        }
        let accept = harness.backend.submit(.accept(listener), owner: acceptor)
        let clients = try (0..<100).map { number in
            (
                socket: try harness.socket(), reader: CompletionRecorder(),
                content: Self.content(2000, seed: number)
            )
        }
        for client in clients { try harness.connect(client.socket, to: address, owner: connector) }
        harness.run(until: { connector.finals.count == 100 })
        #expect(connector.results.allSatisfy { $0 == 0 })
        for client in clients {
            RingWriter(harness, client.socket, client.content).start()
            harness.backend.submit(.receive(client.socket), owner: client.reader)
        }
        harness.run(until: { harness.backend.operationCount == 1 })
        for client in clients { #expect(client.reader.bytes == client.content) }
        #expect(acceptor.seen.count == 100 && acceptor.finals.isEmpty)
        harness.backend.cancel(accept)
        harness.run(until: { harness.backend.operationCount == 0 })
        #expect(acceptor.finals.map(\.result) == [-ECANCELED])
        acceptor.onCompletion = nil
        #expect(harness.backend.staleCompletionCount == 0)
    }

    // Pitfall 2
    // Pitfall 7
    // Pitfall 28
    @Test(arguments: RingHarness.configurations)
    func hundredsOfReceiversShareFewBuffers(_ configuration: RingConfiguration) throws {
        let harness = try RingHarness(configuration)
        let pairs = try (0..<200).map { _ in try harness.pair() }
        let readers = pairs.map { _ in CompletionRecorder() }
        let sender = CompletionRecorder()
        for (pair, reader) in zip(pairs, readers) { harness.backend.submit(.receive(pair.0), owner: reader) }
        for round in 0..<3 {
            for (number, pair) in pairs.enumerated() {
                harness.send(Self.content(700, seed: number + round), on: pair.1, owner: sender)
            }
            harness.run(until: { readers.allSatisfy { $0.bytes.count == 700 * (round + 1) } })
        }
        for (number, reader) in readers.enumerated() {
            #expect(reader.bytes == (0..<3).flatMap { Self.content(700, seed: number + $0) })
            #expect(reader.finals.isEmpty)
        }
    }

    @Test func theRingSaysWhatItUses() throws {
        var configuration = RingConfiguration()
        configuration.incrementalBuffers = false
        configuration.messageWakeUp = false
        configuration.noIOWait = false
        configuration.growingQueues = false
        configuration.submissionQueueSize = 5
        let harness = try RingHarness(configuration)
        let features = harness.backend.features
        #expect(!features.incrementalBuffers && !features.messageWakeUp && !features.noIOWait)
        #expect(features.bufferCount == 256 && features.bufferSize == 8192)
        #expect(features.submissionQueueSize == 8)
        #expect(features.multishotAccept && features.multishotReceive)
    }

    @Test func impossibleConfigurationsAreRefused() {
        let changes: [(inout RingConfiguration) -> Void] = [
            { $0.submissionQueueSize = 0 }, { $0.completionQueueSize = 32 },
            { $0.completionQueueLimit = 512 }, { $0.bufferCount = 100 },
            { $0.incrementalBufferSize = 0 }, { $0.completionsPerTurn = 0 },
            { $0.submissionQueueSize = 1 << 20 }, { $0.submissionQueueLimit = 0 },
            { $0.completionQueueLimit = 1 << 20 },
        ]
        for change in changes {
            var configuration = RingConfiguration()
            change(&configuration)
            #expect {
                try UringBackend(configuration: configuration)
            } throws: { error in
                guard case .invalidConfiguration = error as? RingUnavailable else { return false }
                return true
            }
        }
    }

    @Test(arguments: RingHarness.configurations)
    func eachOperationCanBeCancelled(_ configuration: RingConfiguration) throws {
        let harness = try RingHarness(configuration)
        let (idle, _) = try harness.pair()
        let (full, _) = try harness.pair()
        let filler = CompletionRecorder()
        let owner = CompletionRecorder()
        var tokens = [harness.fill(full, owner: filler)]
        tokens.append(harness.backend.submit(.receive(idle), owner: owner))
        tokens.append(harness.backend.submit(.receiveInto(idle, harness.buffer([0, 0])), owner: owner))
        let (listener, _) = try harness.listener()
        tokens.append(harness.backend.submit(.accept(listener), owner: owner))
        harness.turn()
        for token in tokens { harness.backend.cancel(token) }
        #expect(owner.seen.isEmpty)
        harness.run(until: { harness.backend.operationCount == 0 })
        #expect(owner.finals.count == 3 && owner.results.allSatisfy { $0 == -ECANCELED })
        #expect(filler.finals.last?.token == tokens[0])
        harness.turn()
        #expect(harness.backend.staleCompletionCount == 0)
    }

    @Test func aConnectCanBeCancelled() throws {
        let harness = try RingHarness()
        let (listener, address) = try harness.listener(backlog: 0)
        let owner = CompletionRecorder()
        // Nobody accepts: the backlog of one fills, and what comes after waits.
        let tokens = try (0..<4).map { _ in
            try harness.connect(try harness.socket(), to: address, owner: owner)
        }
        harness.turn()
        for token in tokens { harness.backend.cancel(token) }
        harness.run(until: { harness.backend.operationCount == 0 })
        #expect(owner.finals.count == 4)
        #expect(owner.results.allSatisfy { $0 == 0 || $0 == -ECANCELED })
        #expect(owner.results.contains(-ECANCELED))
        withExtendedLifetime(listener) {}
    }

    @Test func aRefusedConnectionSaysSo() throws {
        let harness = try RingHarness()
        let bound = try harness.socket()
        try harness.backend.system.bind(bound, to: .ipv4(.loopback, port: 0))
        let address = try harness.backend.system.localAddress(of: bound)
        let owner = CompletionRecorder()
        try harness.connect(try harness.socket(), to: address, owner: owner)
        harness.run(until: { !owner.finals.isEmpty })
        #expect(owner.results == [-ECONNREFUSED])
    }

    // Behaviour 25
    @Test(arguments: RingHarness.configurations)
    func aCancelledReceiveLosesNothing(_ configuration: RingConfiguration) throws {
        let harness = try RingHarness(configuration)
        let (reading, writing) = try harness.pair()
        let (owner, sender) = (CompletionRecorder(), CompletionRecorder())
        var sent: [UInt8] = []
        for round in 0..<50 {
            let token = harness.backend.submit(.receive(reading), owner: owner)
            if round % 3 == 0 { harness.turn() }
            let bytes = Self.content(100, seed: round)
            harness.send(bytes, on: writing, owner: sender)
            sent += bytes
            if round % 2 == 0 { harness.turn() }
            harness.backend.cancel(token)
            harness.run(until: { owner.finals.count == round + 1 && sender.finals.count == round + 1 })
        }
        harness.backend.submit(.receive(reading), owner: owner)
        harness.run(until: { owner.bytes.count == sent.count })
        #expect(owner.bytes == sent)
    }

    @Test func bytesGoStraightIntoTheCallersMemory() throws {
        let harness = try RingHarness()
        let (reading, writing) = try harness.pair()
        let (owner, sender) = (CompletionRecorder(), CompletionRecorder())
        let target = harness.buffer([0, 0, 0, 0])
        harness.backend.submit(.receiveInto(reading, target), owner: owner)
        harness.send([1, 2, 3], on: writing, owner: sender)
        harness.run(until: { !owner.finals.isEmpty })
        #expect(owner.seen.map(\.result) == [3] && Array(target) == [1, 2, 3, 0])
    }

    @Test func aMessageOfSeveralPiecesIsSent() throws {
        let harness = try RingHarness()
        let (reading, writing) = try harness.pair()
        let (owner, sender) = (CompletionRecorder(), CompletionRecorder())
        let (first, second) = (harness.buffer([1, 2]), harness.buffer([3]))
        let pieces = UnsafeMutablePointer<iovec>.allocate(capacity: 2)
        pieces.initialize(to: iovec(iov_base: first.baseAddress, iov_len: 2))
        (pieces + 1).initialize(to: iovec(iov_base: second.baseAddress, iov_len: 1))
        let message = UnsafeMutablePointer<msghdr>.allocate(capacity: 1)
        message.initialize(to: msghdr())
        message.pointee.msg_iov = pieces
        message.pointee.msg_iovlen = 2
        defer {
            pieces.deallocate()
            message.deallocate()
        }
        harness.backend.submit(.receive(reading), owner: owner)
        harness.backend.submit(.sendMessage(writing, message), owner: sender)
        harness.run(until: { owner.bytes.count == 3 && !sender.finals.isEmpty })
        #expect(owner.bytes == [1, 2, 3] && sender.results == [3])
    }

    @Test(arguments: RingHarness.configurations)
    func aDescriptorMadeNonBlockingBehindOurBackStillWorks(_ configuration: RingConfiguration) throws {
        let harness = try RingHarness(configuration)
        let (reading, writing) = try harness.pair()
        let (owner, sender) = (CompletionRecorder(), CompletionRecorder())
        #expect(fcntl(reading.rawValue, F_SETFL, O_NONBLOCK) == 0)
        harness.backend.submit(.receive(reading), owner: owner)
        harness.turn()
        harness.turn()
        harness.send([9], on: writing, owner: sender)
        harness.run(until: { !owner.bytes.isEmpty })
        #expect(owner.bytes == [9] && owner.finals.isEmpty)
    }

    /// A socket that is ready for ever has the kernel try single receives in a thread of its own. What these take of the buffers
    /// must not be missed.
    @Test(arguments: RingHarness.configurations, [true, false])
    func aReceiveInVainTakesNothingOfOthers(_ configuration: RingConfiguration, takesCount: Bool) throws {
        let harness = try RingHarness(configuration)
        let (vain, other) = (
            try SocketPair(.tcp, for: harness.backend), try SocketPair(.tcp, for: harness.backend)
        )
        defer { for pair in [vain, other] { try? pair.close() } }
        try ErrorQueue.askForTimes(vain.first)
        try checkCall(Int32(send(vain.first.rawValue, "x", 1, 0)))
        let (reader, content) = (CompletionRecorder(), Self.content(20 * 30, seed: 3))
        harness.backend.submit(.receive(other.first), owner: reader)
        let operation: IOOperation =
            takesCount ? .receiveOnce(vain.first, maxCount: 100) : .receive(vain.first)
        for round in 0..<20 {
            let owner = CompletionRecorder()
            let token = harness.backend.submit(operation, owner: owner)
            for _ in 0..<(round % 5) { harness.turn() }
            harness.backend.cancel(token)
            harness.run(until: { !owner.finals.isEmpty })
            #expect(owner.bytes == [])
            _ = try other.second.writeAll(content[(round * 30)..<((round + 1) * 30)])
            harness.run(until: { reader.bytes.count == (round + 1) * 30 })
        }
        let owner = CompletionRecorder()
        harness.backend.submit(operation, owner: owner)
        for _ in 0..<5 { harness.turn() }
        _ = try vain.second.writeAll([7, 8, 9])
        harness.run(until: { owner.bytes.count == 3 })
        _ = try other.second.writeAll([1, 2])
        harness.run(until: { reader.bytes.count == content.count + 2 })
        #expect(owner.bytes == [7, 8, 9] && reader.bytes == content + [1, 2])
    }
}
