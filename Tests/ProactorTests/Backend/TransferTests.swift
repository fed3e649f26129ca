import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Files on their way through a ring's pipes, and a selector's share of a turn.
@Suite struct TransferTests {
    /// The real calls, but for pipes that are small or cannot be had.
    private final class PipeFaults: ForwardingSystemCalls, @unchecked Sendable {
        var capacity: Int32?
        var failure: Errno?

        override func makeTransferPipe() throws(Errno) -> TransferPipe {
            if let failure { throw failure }
            let pipe = try super.makeTransferPipe()
            guard let capacity else { return pipe }
            let size = fcntl(pipe.input.rawValue, F_SETPIPE_SZ_VALUE, capacity)
            return TransferPipe(input: pipe.input, output: pipe.output, capacity: Int(size))
        }
    }

    private static let bytes = patternBytes(700_001)

    // Pitfall 38
    @Test(.needsRing, arguments: [4096, 8192, 65_536, 1 << 20], [1, 2, 64])
    func everySizeOfPipeAndQueueBringsAllBytes(capacity: Int32, queue: Int) async throws {
        try await onThread {
            var configuration = RingConfiguration()
            configuration.growingQueues = false
            configuration.submissionQueueSize = queue
            let system = PipeFaults(LinuxSystemCalls(nonBlocking: false))
            system.capacity = capacity
            let backend = UringBackend(
                ring: try KernelRing(configuration: configuration),
                system: system,
                completionsPerTurn: 256
            )
            try backend.start()
            defer { backend.close() }
            let place = try TemporaryFile(Self.bytes)
            let file = try FileDescriptor.open(place.path, .readOnly)
            for offset in [Int64(0), 1, 4096, 4100] {
                let pair = try SocketPair(.unix)
                let peer = RawPeer(pair.second)
                let memory = FileTransferMemory(
                    FileTransfer(socket: pair.first, file: file, offset: offset, count: .max)
                )
                let owner = CompletionRecorder()
                backend.submit(.sendFile(memory.pointer), owner: owner)
                let deadline = ContinuousClock.now + TestLimit.wait
                while owner.seen.isEmpty || peer.received.count < Self.bytes.count - Int(offset) {
                    try #require(ContinuousClock.now < deadline, "the transfer did not end")
                    backend.settle()
                    backend.poll(timeoutNanoseconds: 1_000_000)
                    backend.deliver()
                    peer.read()
                }
                #expect(owner.results == [0])
                #expect(memory.pointer.pointee.sent == Int64(Self.bytes.count) - offset)
                #expect(peer.received == Array(Self.bytes[Int(offset)...]))
                try pair.first.close()
            }
            #expect(backend.pipes.lent.isEmpty && backend.pipes.idle.count == 1)
            #expect(backend.operationCount == 0)
            try file.close()
        }
    }

    @Test(.needsRing) func withoutAPipeTheOperationFails() async throws {
        try await onThread {
            let system = PipeFaults(LinuxSystemCalls(nonBlocking: false))
            system.failure = .tooManyOpenFiles
            let backend = UringBackend(
                ring: try KernelRing(configuration: RingConfiguration()),
                system: system,
                completionsPerTurn: 256
            )
            try backend.start()
            defer { backend.close() }
            let pair = try SocketPair(.unix)
            let place = try TemporaryFile([1])
            let file = try FileDescriptor.open(place.path, .readOnly)
            let memory = FileTransferMemory(
                FileTransfer(socket: pair.first, file: file, offset: 0, count: .max)
            )
            let owner = CompletionRecorder()
            backend.submit(.sendFile(memory.pointer), owner: owner)
            #expect(owner.seen.isEmpty, "an owner was called within a submission")
            backend.settle()
            #expect(owner.results == [-EMFILE] && backend.operationCount == 0)
            for descriptor in [pair.first, pair.second, file] { try descriptor.close() }
        }
    }

    // Pitfall 24
    @Test(.needsRing) func aDirtyPipeIsNotKept() async throws {
        try await onThread {
            let harness = try RingHarness()
            let place = try TemporaryFile(Self.bytes)
            let file = try FileDescriptor.open(place.path, .readOnly)
            let (socket, _) = try harness.pair()
            let memory = FileTransferMemory(FileTransfer(socket: socket, file: file, offset: 0, count: .max))
            let owner = CompletionRecorder()
            let token = harness.backend.submit(.sendFile(memory.pointer), owner: owner)
            // Nobody reads: the pipe is full of what the socket does not take.
            harness.run { memory.pointer.pointee.waitsForSocket }
            harness.backend.cancel(token)
            harness.run { !owner.seen.isEmpty }
            #expect(owner.results == [-ECANCELED])
            #expect(memory.pointer.pointee.bytesInPipe > 0)
            #expect(harness.backend.pipes.idle.isEmpty && harness.backend.pipes.lent.isEmpty)
            try file.close()
        }
    }

    @Test(.needsRing) func aTransferThatWaitsForRoomGivesItsPipeBack() async throws {
        try await onThread {
            var configuration = RingConfiguration()
            configuration.growingQueues = false
            configuration.submissionQueueSize = 1
            // Not enabled, it hands nothing over.
            let harness = try RingHarness(configuration, started: false)
            let place = try TemporaryFile([1])
            let file = try FileDescriptor.open(place.path, .readOnly)
            let (socket, _) = try harness.pair()
            let owner = CompletionRecorder()
            // The only entry of the queue.
            harness.backend.submit(.receive(socket), owner: nil)
            let memory = FileTransferMemory(FileTransfer(socket: socket, file: file, offset: 0, count: .max))
            let token = harness.backend.submit(.sendFile(memory.pointer), owner: owner)
            #expect(harness.backend.pipes.lent.count == 1)
            harness.backend.cancel(token)
            #expect(harness.backend.pipes.lent.isEmpty && harness.backend.pipes.idle.count == 1)
            harness.backend.settle()
            #expect(owner.results == [-ECANCELED])
            harness.backend.close()
            try file.close()
        }
    }

    // Pitfall 24
    @Test(.needsRing) func closingEndsATransferAndItsPipe() async throws {
        try await onThread {
            let place = try TemporaryFile(Self.bytes)
            let file = try FileDescriptor.open(place.path, .readOnly)
            let pair = try SocketPair(.unix)
            let memory = FileTransferMemory(
                FileTransfer(socket: pair.first, file: file, offset: 0, count: .max)
            )
            let backend = try UringBackend(configuration: RingConfiguration())
            try backend.start()
            let owner = CompletionRecorder()
            backend.submit(.sendFile(memory.pointer), owner: owner)
            for _ in 0..<3 {
                backend.poll(timeoutNanoseconds: 1_000_000)
                backend.deliver()
            }
            let pipe = try #require(memory.pointer.pointee.pipe)
            backend.close()
            #expect(backend.operationCount == 0 && owner.seen.isEmpty)
            #expect(backend.pipes.lent.isEmpty)
            _ = pipe
            for descriptor in [pair.first, pair.second, file] { try descriptor.close() }
        }
    }

    /// Counts what is asked for.
    private final class CountingCalls: SocketCalls {
        var counts: [Int] = []
        override func sendFile(_ socket: Int32, _ file: Int32, _ offset: Int64, _ count: Int) -> Int32 {
            counts.append(count)
            // As a socket whose peer is endlessly fast.
            return Int32(count)
        }
    }

    @Test(arguments: SelectorKind.allCases)
    func aSelectorGivesATransferItsShareOfATurn(kind: SelectorKind) async throws {
        try await onThread {
            let calls = CountingCalls()
            let harness = try SelectorHarness(kind, calls: calls)
            let (socket, _) = try harness.pair()
            let size: Int64 = 100 << 20
            let memory = FileTransferMemory(
                FileTransfer(socket: socket, file: FileDescriptor(rawValue: 0), offset: 0, count: size)
            )
            let owner = CompletionRecorder()
            harness.backend.submit(.sendFile(memory.pointer), owner: owner)
            var turns = 0
            while owner.seen.isEmpty {
                let before = calls.counts.count
                harness.turn()
                turns += 1
                #expect(calls.counts.count - before <= 1)
            }
            #expect(calls.counts.allSatisfy { $0 <= 512 * 1024 })
            #expect(memory.pointer.pointee.sent == size && turns > 100)
            #expect(owner.results == [0])
        }
    }

    @Test func anErrorOfEachStepEndsATransfer() {
        func begun(_ fill: Int32, _ drain: Int32) -> FileTransfer {
            let (socket, file) = (FileDescriptor(rawValue: 5), FileDescriptor(rawValue: 6))
            var transfer = FileTransfer(socket: socket, file: file, offset: 0, count: 100)
            transfer.stepsInFlight = 2
            transfer.stepCompleted(.sendFileFill, fill)
            transfer.stepCompleted(.sendFile, drain)
            return transfer
        }
        // A socket that takes nothing would be asked for ever.
        let stuck = begun(100, 0)
        #expect(stuck.result(isCancelled: false) == -EPIPE && !stuck.isFileAtFault)
        let unreadable = begun(-EACCES, -ECANCELED)
        #expect(unreadable.result(isCancelled: false) == -EACCES && unreadable.isFileAtFault)
        for (result, outcome) in [(-ENOMEM, -ENOMEM), (-ECANCELED, nil), (1, nil)] as [(Int32, Int32?)] {
            var waiting = begun(100, -EAGAIN)
            #expect(waiting.waitsForSocket && waiting.result(isCancelled: false) == nil)
            waiting.stepsInFlight = 1
            waiting.stepCompleted(.sendFileWait, result)
            #expect(!waiting.waitsForSocket && waiting.result(isCancelled: false) == outcome)
            #expect(waiting.result(isCancelled: true) == outcome ?? -ECANCELED)
        }
    }
}

private let F_SETPIPE_SZ_VALUE: Int32 = 1031
