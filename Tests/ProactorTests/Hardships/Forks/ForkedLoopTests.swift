import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Proactor

/// A fork's child lets go of what its parent's loop has, piece by piece, and the parent keeps it all.
@Suite struct ForkedLoopTests {
    // Pitfall 9
    @Test(.exitTest) func whatTheChildLetsGoOfStaysTheParents() async {
        await #expect(processExitsWith: .success) {
            for kind in LoopKind.allCases {
                try await kind.withLoop { loop in
                    let parts = try InheritedParts(loop)
                    var status: Int32 = -1
                    try loop.callSoon { status = statusOfFork { parts.letGo() } }
                    try loop.turn { status != -1 }
                    #expect(status == 0, "\(kind)")
                    try parts.checkThatAllWork()
                }
            }
        }
    }

    /// Signals that come to the child are no matter of the parent's.
    @Test(.exitTest) func theChildsSignalsAreItsOwn() async {
        await #expect(processExitsWith: .success) {
            unblockSignal(SIGUSR1)
            for kind in LoopKind.allCases {
                try await kind.withLoop { loop in
                    unblockSignal(SIGUSR1)
                    let watch = try LinuxSignalWatch()
                    try watch.add(.user1)
                    var calls = 0
                    try loop.addSignalHandler(.user1) { calls += 1 }
                    var status: Int32 = -1
                    try loop.callSoon { status = statusOfFork { Self.takeSignals(kind, loop) } }
                    try loop.turn { status != -1 }
                    #expect(status == 0, "\(kind)")
                    var entry = pollfd(fd: watch.descriptor.rawValue, events: Int16(POLLIN), revents: 0)
                    #expect(poll(&entry, 1, 0) == 0)
                    try loop.settle()
                    #expect(calls == 0)
                    raise(SIGUSR1)
                    try loop.turn { calls == 1 }
                    watch.close()
                    try loop.removeSignalHandler(.user1)
                    #expect(signalDisposition(SIGUSR1) == .default)
                }
            }
        }
    }

    private static func takeSignals(_ kind: LoopKind, _ inherited: BaseEventLoop) -> Int32 {
        // Its parent's disposition is inherited, and does nothing here.
        raise(SIGUSR1)
        guard let own = try? kind.makeLoop() else { return 1 }
        var calls = 0
        guard (try? own.addSignalHandler(.user1) { calls += 1 }) != nil else { return 2 }
        raise(SIGUSR1)
        guard (try? own.turn { calls == 1 }) != nil, (try? own.removeSignalHandler(.user1)) == true else {
            return 3
        }
        guard signalDisposition(SIGUSR1) == .default else { return 4 }
        guard (try? inherited.removeSignalHandler(.user1)) == true else { return 5 }
        guard (try? own.close()) != nil, (try? inherited.close()) != nil else { return 6 }
        return signalDisposition(SIGUSR1) == .default ? 0 : 7
    }

    /// Without a loop of its own, too, the child gets the former dispositions back.
    @Test(.exitTest) func theChildThatClosesTheLoopGivesSignalsBack() async {
        await #expect(processExitsWith: .success) {
            for kind in LoopKind.allCases {
                try await kind.withLoop { loop in
                    try loop.addSignalHandler(.user2) {}
                    let status = statusOfFork {
                        guard (try? loop.close()) != nil else { return 1 }
                        return signalDisposition(SIGUSR2) == .default ? 0 : 2
                    }
                    #expect(status == 0)
                    #expect(signalDisposition(SIGUSR2) == .handled)
                    try loop.removeSignalHandler(.user2)
                }
            }
        }
    }

    /// A loop that has never run is its maker's too.
    @Test(.exitTest) func everyUseOfAnInheritedLoopIsRefused() async {
        await #expect(processExitsWith: .success) {
            for kind in LoopKind.allCases {
                for hasRun in [false, true] {
                    try await kind.withLoop { loop in
                        if hasRun { try loop.turn() }
                        #expect(statusOfFork { Self.useInherited(loop) } == 0, "\(kind)")
                        try loop.turn()
                    }
                }
            }
        }
    }

    /// Whoever runs a program on a loop of its own ends in the child what it began in the parent.
    @Test(.exitTest) func aRunnerAndAGroupEndInTheChild() async {
        await #expect(processExitsWith: .success) {
            for kind in LoopKind.allCases {
                _ = try await onThread {
                    let runner = Runner(options: RunnerOptions { try kind.makeLoop() })
                    try runner.run {}
                    var options = EventLoopGroupOptions(loopCount: 2)
                    options.makeLoop = { _ in try kind.makeLoop() }
                    let group = try EventLoopGroup(options)
                    let status = statusOfFork {
                        guard (try? runner.close()) != nil else { return 1 }
                        group.shutdown()
                        return (try? group.wait()) != nil ? 0 : 2
                    }
                    #expect(status == 0)
                    #expect(try runner.run { 3 } == 3)
                    try runner.close()
                    #expect(try group.next().runCoroutineThreadSafe { 4 }.result() == 4)
                    group.shutdown()
                    try group.wait()
                }
            }
        }
    }

    private static func useInherited(_ loop: BaseEventLoop) -> Int32 {
        let uses: [() throws -> Void] = [
            { try loop.callSoon {} },
            { try loop.callLater(.zero) {} },
            { try loop.callSoonThreadSafe {} },
            { try loop.runCoroutineThreadSafe {} },
            { try loop.runForever() },
            { try loop.runUntilComplete {} },
            { try loop.addSignalHandler(.user1) {} },
            { _ = try loop.startInExecutor {} },
            { try loop.createTask {}.result() },
        ]
        for (number, use) in uses.enumerated() {
            do { try use() } catch EventLoopError.usedAfterFork { continue } catch {}
            return Int32(number + 1)
        }
        guard !loop.isRunning, !loop.isClosed, (try? loop.close()) != nil, loop.isClosed else { return 100 }
        return (try? loop.close()) != nil ? 0 : 101
    }
}

/// One of everything that a loop has.
private final class InheritedParts {
    private let loop: BaseEventLoop
    private let directory: TestDirectory
    private let server: Server
    private let child: any SubprocessTransport
    private let childRecorder: RecordingSubprocess
    private let connection: (transport: any Transport, peer: RawPeer)
    private let reader: SocketPair
    private let readerPeer: RawPeer
    private let timer: TimerHandle
    private let handle: Handle
    private let waiting: Future<Void>
    private let task: LoopTask<Void>
    private var ran: Set<String> = []

    init(_ loop: BaseEventLoop) throws {
        self.loop = loop
        let directory = try TestDirectory()
        self.directory = directory
        server = try loop.run {
            try await loop.createUnixServer(path: directory.path(of: "socket")) { RecordingProtocol.echo() }
        }
        (child, childRecorder) = try loop.startShell("read line; echo $line")
        connection = try loop.connect(RecordingProtocol.echo())
        reader = try SocketPair(.unix)
        readerPeer = RawPeer(reader.second)
        let box = Weak<InheritedParts>()
        timer = try loop.callLater(.milliseconds(1)) { box.value?.ran.insert("timer") }
        handle = try loop.callSoon {}
        let waiting = loop.createFuture()
        self.waiting = waiting
        task = loop.createTask { try await waiting.value() }
        box.value = self
        unblockSignal(SIGUSR1)
        try loop.addReader(reader.first) { box.value?.ran.insert("reader") }
        try loop.addSignalHandler(.user1) { box.value?.ran.insert("signal") }
        try loop.turn()
    }

    /// In the child.
    func letGo() -> Int32 {
        handle.cancel()
        timer.cancel()
        task.cancel()
        guard (try? loop.removeReader(reader.first)) == true else { return 2 }
        guard (try? loop.removeSignalHandler(.user1)) == true else { return 1 }
        connection.transport.close()
        connection.transport.abort()
        server.close()
        child.close()
        guard (try? child.sendSignal(.kill)) == false else { return 2 }
        guard (try? loop.close()) != nil else { return 3 }
        return 0
    }

    func checkThatAllWork() throws {
        connection.peer.write("hello")
        readerPeer.write("x")
        raise(SIGUSR1)
        let client = RecordingProtocol()
        let (clientTransport, _) = try loop.run { [loop, directory] in
            try await loop.createUnixConnection(path: directory.path(of: "socket")) { client }
        }
        clientTransport.write("again")
        child.getPipeTransport(0)?.write("alive\n")
        try loop.rest { [self] in
            connection.peer.read()
            return connection.peer.text == "hello" && client.text == "again" && ran.count == 3
        }
        #expect(ran == ["timer", "reader", "signal"])
        #expect(!task.done)
        try waiting.setResult()
        try loop.runUntilComplete(task)
        try loop.runToTheEnd(child, childRecorder)
        #expect(childRecorder.outputText == "alive\n")
        #expect(child.returnCode == 0)
        try loop.removeReader(reader.first)
        close(reader.first.rawValue)
        try loop.removeSignalHandler(.user1)
        server.close()
        clientTransport.abort()
        try loop.finish(connection.transport, connection.peer)
    }
}

private final class Weak<Object: AnyObject> {
    weak var value: Object?
}
