import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Operations of a selector backend that are calls on an executor's threads.
@Suite struct ThreadCallTests {
    /// Calls that a gate holds back.
    private final class GatedCalls: FileCalls, @unchecked Sendable {
        let gate = Gate()

        override func open(_ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: UInt32) -> Int32 {
            gate.pass()
            return super.open(path, flags, mode)
        }

        override func synchronize(_ file: Int32, dataOnly: Bool) -> Int32 {
            gate.pass()
            return super.synchronize(file, dataOnly: dataOnly)
        }
    }

    private static func makeBackend(
        _ calls: FileCalls,
        _ executor: any WorkExecutor
    ) throws -> SelectorBackend {
        let backend = try SelectorBackend(kind: .epoll, fileCalls: calls)
        backend.useExecutor { call throws(Errno) in
            do { try executor.submit(call) } catch { throw .socketShutdown }
        }
        try backend.start()
        return backend
    }

    // Pitfall 24
    @Test func closingWaitsForACallThatHasBegun() async throws {
        try await onThread {
            let calls = GatedCalls()
            let pool = ThreadPool(name: "calls", threadsMax: 1)
            let place = try TemporaryFile([1])
            let file = try FileDescriptor.open(place.path, .readOnly)
            let backend = try Self.makeBackend(calls, pool)
            weak var observed: CompletionRecorder?
            do {
                let owner = CompletionRecorder()
                owner.onCompletion = { _ in Issue.record("an owner was called by close") }
                observed = owner
                backend.submit(.synchronizeFile(file, dataOnly: false), owner: owner)
            }
            #expect(calls.gate.waitFor(arrivals: 1))
            let opener = TestThread { calls.gate.open() }
            backend.close()
            opener.join()
            #expect(observed == nil)
            #expect(backend.operationCount == 0)
            try file.close()
            pool.shutdown()
        }
    }

    // Pitfall 21
    @Test func whatIsOpenedTooLateIsClosed() async throws {
        try await onThread {
            let calls = GatedCalls()
            let pool = ThreadPool(name: "calls", threadsMax: 1)
            // A named pipe tells whether somebody holds it open.
            let place = try TemporaryFile.namedPipe()
            let backend = try Self.makeBackend(calls, pool)
            let path = PathMemory(place.path)
            backend.submit(.openFile(path.pointer, flags: O_RDONLY | O_NONBLOCK, mode: 0), owner: nil)
            #expect(calls.gate.waitFor(arrivals: 1))
            // Nobody lets it through before closing has given up on it.
            backend.close()
            calls.gate.open()
            let isOver = ConditionLock(false)
            pool.shutdown {
                isOver.withLock { $0 = true }
                isOver.wakeAll()
            }
            #expect(isOver.waitFor(timeout: TestLimit.wait) { $0 ? true : nil } == true)
            #expect(place.losesReader())
            withExtendedLifetime(path) {}
        }
    }

    @Test func workThatTheExecutorDropsEnds() async throws {
        try await onThread {
            let executor = HoldingExecutor()
            let place = try TemporaryFile([1])
            let file = try FileDescriptor.open(place.path, .readOnly)
            let backend = try Self.makeBackend(FileCalls(), executor)
            let owner = CompletionRecorder()
            backend.submit(.synchronizeFile(file, dataOnly: true), owner: owner)
            executor.dropAll()
            backend.poll(timeoutNanoseconds: 1_000_000_000)
            backend.deliver()
            #expect(owner.results == [-ECANCELED] && backend.operationCount == 0)
            backend.close()
            try file.close()
        }
    }

    // Pitfall 22
    @Test func aCallThatHasBegunIsNotCancelled() async throws {
        try await onThread {
            let calls = GatedCalls()
            let pool = ThreadPool(name: "calls", threadsMax: 1)
            let place = try TemporaryFile([1])
            let file = try FileDescriptor.open(place.path, .readOnly)
            let backend = try Self.makeBackend(calls, pool)
            let owner = CompletionRecorder()
            let token = backend.submit(.synchronizeFile(file, dataOnly: false), owner: owner)
            #expect(calls.gate.waitFor(arrivals: 1))
            backend.cancel(token)
            backend.settle()
            backend.poll(timeoutNanoseconds: 0)
            backend.deliver()
            #expect(owner.seen.isEmpty)
            calls.gate.open()
            while owner.seen.isEmpty {
                backend.poll(timeoutNanoseconds: 1_000_000_000)
                backend.deliver()
            }
            #expect(owner.results == [0])
            backend.close()
            try file.close()
            pool.shutdown()
        }
    }

    // Pitfall 21
    @Test func whatIsOpenedWhileClosingIsClosed() async throws {
        try await onThread {
            let calls = GatedCalls()
            let pool = ThreadPool(name: "calls", threadsMax: 1)
            let place = try TemporaryFile.namedPipe()
            let backend = try Self.makeBackend(calls, pool)
            let path = PathMemory(place.path)
            backend.submit(.openFile(path.pointer, flags: O_RDONLY | O_NONBLOCK, mode: 0), owner: nil)
            #expect(calls.gate.waitFor(arrivals: 1))
            let opener = TestThread { calls.gate.open() }
            backend.close()
            opener.join()
            #expect(place.losesReader())
            pool.shutdown()
            withExtendedLifetime(path) {}
        }
    }
}
