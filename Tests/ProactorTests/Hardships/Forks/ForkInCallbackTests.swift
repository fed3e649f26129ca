import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Proactor

/// A callback forks, as in a server that makes its workers on demand. The child runs a loop of its own, wherever in its parent's
/// it was made.
@Suite struct ForkInCallbackTests {
    /// Where the program forks.
    private enum Place: CaseIterable {
        case callback, timer, task, doneCallback, dataReceived, reader, signalHandler, executorThread, close
    }

    @Test(.exitTest) func theChildRunsALoopOfItsOwn() async {
        await #expect(processExitsWith: .success) {
            for kind in LoopKind.allCases {
                for place in Place.allCases {
                    let fork = ForkRecord(kind)
                    try await kind.withLoop { loop in
                        setEventLoop(loop)
                        try Self.fork(in: place, of: loop, fork)
                        setEventLoop(nil)
                    }
                    #expect(fork.statuses == [0], "\(place) on \(kind)")
                }
            }
        }
    }

    private static func fork(in place: Place, of loop: BaseEventLoop, _ fork: ForkRecord) throws {
        switch place {
        case .callback:
            try loop.callSoon { fork.make() }
        case .timer:
            try loop.callLater(.zero) { fork.make() }
        case .task:
            loop.createTask { fork.make() }
        case .doneCallback:
            let future = loop.createFuture()
            future.addDoneCallback { _ in fork.make() }
            try future.setResult()
        case .dataReceived:
            return try forkInDataReceived(of: loop, fork)
        case .reader:
            let pair = try SocketPair(.unix)
            try loop.addReader(pair.first) { fork.make() }
            RawPeer(pair.second).close()
            try loop.turn { !fork.statuses.isEmpty }
            try loop.removeReader(pair.first)
            close(pair.first.rawValue)
            return
        case .signalHandler:
            try loop.addSignalHandler(.user1) { fork.make() }
            unblockSignal(SIGUSR1)
            raise(SIGUSR1)
            try loop.turn { !fork.statuses.isEmpty }
            try loop.removeSignalHandler(.user1)
        case .executorThread:
            // The loop's own thread sleeps meanwhile.
            return try loop.run { try await loop.runInExecutor { fork.make() } }
        case .close:
            let object = ForkAtTheEnd(fork)
            try loop.callSoon { withExtendedLifetime(object) {} }
            return try loop.close()
        }
        try loop.turn { !fork.statuses.isEmpty }
    }

    /// The child goes on reading what the callback was given.
    private static func forkInDataReceived(of loop: BaseEventLoop, _ fork: ForkRecord) throws {
        let reader = ForkingProtocol(fork)
        let (transport, peer) = try loop.connect(reader)
        peer.write("hello")
        try loop.turn { !fork.statuses.isEmpty }
        try loop.finish(transport, peer)
    }

    /// A child that returns from the callback that made it goes no further in its parent's loop.
    @Test(.exitTest) func aChildThatReturnsFromTheCallbackIsTold() async {
        await #expect(processExitsWith: .success) {
            for kind in LoopKind.allCases {
                try await kind.withLoop { loop in
                    let (transport, peer) = try loop.connect(RecordingProtocol.echo())
                    var child: Int32 = -1
                    var ranBehind = 0
                    try loop.callSoon { child = forkOnceOthersSleep() }
                    try loop.callSoon { ranBehind += 1 }
                    do { try loop.turn() } catch EventLoopError.usedAfterFork {
                        // The child.
                        guard !loop.isRunning, ranBehind == 0, (try? getRunningLoop()) == nil else {
                            _exit(1)
                        }
                        _exit(ForkRecord(kind).runLoops())
                    }
                    #expect(statusOfChild(child) == 0)
                    #expect(ranBehind == 1)
                    peer.write("hello")
                    try loop.rest {
                        peer.read()
                        return peer.text == "hello"
                    }
                    try loop.finish(transport, peer)
                }
            }
        }
    }

    /// The parent's threads are pinned, the child is none of them.
    @Test(.exitTest) func theChildOfAPinnedThreadMayRunEverywhere() async {
        await #expect(processExitsWith: .success) {
            let allowed = ProcessorAffinity.allowed
            var options = EventLoopGroupOptions(loopCount: 1)
            options.pinning = .processors([allowed[0]])
            let group = try EventLoopGroup(options)
            let status = try await group.next().runCoroutineThreadSafe {
                statusOfFork { ProcessorAffinity.allowed == allowed ? 0 : 1 }
            }.value()
            #expect(status == 0)
            group.shutdown()
            try await group.waitUntilEnded()
        }
    }
}

/// What became of forks.
///
/// `@unchecked Sendable`: guarded by the lock.
private final class ForkRecord: @unchecked Sendable {
    private let kind: LoopKind
    private let made = ThreadLock<[Int32]>([])

    init(_ kind: LoopKind) {
        self.kind = kind
    }

    var statuses: [Int32] { made.withLock { $0 } }

    func make(_ before: () -> Bool = { true }) {
        let status = statusOfFork { before() ? runLoops() : 99 }
        made.withLock { $0.append(status) }
    }

    /// Every way to run a loop. Zero when all of them work.
    func runLoops() -> Int32 {
        do {
            guard (try? getRunningLoop()) == nil else { return 2 }
            guard (try? getEventLoop()) == nil else { return 3 }
            guard try runOwn(try kind.makeLoop()) else { return 4 }
            guard try runOwn(try EventLoop()) else { return 5 }
            guard let policys = try newEventLoop() as? BaseEventLoop, try runOwn(policys) else { return 6 }
            let options = RunnerOptions { [kind] in try kind.makeLoop() }
            guard try run(options: options, { try await Self.useLoop() }) else { return 7 }
            let runner = Runner(options: options)
            guard try runner.run({ try await Self.useLoop() }), try runner.run({ true }) else { return 8 }
            try runner.close()
            return try runGroup() ? 0 : 9
        } catch {
            print("a fork's child: \(error)")
            fflush(nil)
            return 10
        }
    }

    private func runOwn(_ own: BaseEventLoop) throws -> Bool {
        try own.callSoon { own.stop() }
        try own.runForever()
        var signals = 0
        try own.addSignalHandler(.user1) { signals += 1 }
        unblockSignal(SIGUSR1)
        raise(SIGUSR1)
        try own.turn { signals == 1 }
        let isFine = try own.runUntilComplete { try await Self.useLoop() }
        try own.close()
        return isFine && (try? getRunningLoop()) == nil
    }

    private func runGroup() throws -> Bool {
        var options = EventLoopGroupOptions(loopCount: 2)
        options.makeLoop = { [kind] _ in try kind.makeLoop() }
        let group = try EventLoopGroup(options)
        let answer = try group.next().runCoroutineThreadSafe { 5 }.result()
        group.shutdown()
        try group.wait()
        return answer == 5
    }

    /// Timers, threads, connections, and what other threads post.
    private static func useLoop() async throws -> Bool {
        let loop = try getRunningLoop()
        let done = loop.createFuture(of: Int.self)
        try loop.callLater(.milliseconds(1)) { try done.setResult(1) }
        let sum = try await done.value() + loop.runInExecutor { 2 }
        let posted = loop.createFuture(of: Int.self)
        let end = LoopBound(posted, of: loop)
        Thread.detachNewThread { try? end.post { try $0.setResult(3) } }
        guard let base = loop as? BaseEventLoop else { return false }
        let pair = try SocketPair(.unix)
        let echo = try await base.connectAcceptedSocket(pair.first) { RecordingProtocol.echo() }
        let peer = RawPeer(pair.second)
        peer.write("x")
        while peer.text.isEmpty {
            await Task.yield()
            peer.read()
        }
        echo.0.abort()
        return try await sum + posted.value() == 6
    }
}

private final class ForkAtTheEnd {
    private let fork: ForkRecord

    init(_ fork: ForkRecord) {
        self.fork = fork
    }

    deinit {
        fork.make()
    }
}

private final class ForkingProtocol: StreamProtocol {
    private let fork: ForkRecord

    init(_ fork: ForkRecord) {
        self.fork = fork
    }

    func dataReceived(_ data: RawSpan) {
        fork.make { data.withUnsafeBytes { Array($0) } == Array("hello".utf8) }
    }
}
