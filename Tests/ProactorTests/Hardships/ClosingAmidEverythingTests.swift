import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Proactor

/// A loop that is closed with one of everything under way. In a process of its own, whose descriptors are counted.
@Suite struct ClosingAmidEverythingTests {
    // Behaviour 8
    // Pitfall 17
    // Pitfall 24
    @Test(.exitTest) func nothingIsLeftOpen() async {
        await #expect(processExitsWith: .success) {
            waitUntilTheFirstThreadIsSuspended()
            for kind in LoopKind.allCases {
                for turns in [0, 1, 2, 7] {
                    var before: [String] = []
                    try await onThread { try Self.closeAmidEverything(kind, turns: turns) }
                    before = openDescriptors()
                    try await onThread { try Self.closeAmidEverything(kind, turns: turns) }
                    // Threads and rings go in their own time.
                    let deadline = ContinuousClock.now + TestLimit.wait
                    while openDescriptors().count > before.count, ContinuousClock.now < deadline {
                        usleep(1000)
                    }
                    let after = openDescriptors()
                    #expect(after.count <= before.count, "\(kind), \(turns) turns: \(after) after \(before)")
                    #expect(waitpid(-1, nil, WNOHANG) == -1 && errno == ECHILD)
                }
            }
        }
    }

    private static func closeAmidEverything(_ kind: LoopKind, turns: Int) throws {
        let before = openDescriptors()
        let loop = try kind.makeLoop()
        let scene = try Scene(loop)
        try loop.settle(turns: turns)
        // No child of the host program's inherits any of it.
        for descriptor in openDescriptors() where !before.contains(descriptor) {
            let number = descriptor.split(separator: " ").first.flatMap { Int32($0) } ?? -1
            // The test's own are its own affair.
            guard !scene.owns(number) else { continue }
            let flags = fcntl(number, F_GETFD)
            // It may be closed by now: a thread of the executor's is at work.
            #expect(flags < 0 || flags & FD_CLOEXEC != 0, "\(kind): \(descriptor)")
        }
        try loop.close()
        scene.tryWhatALateCallerTries()
        scene.end()
    }
}

/// One of everything on a loop, and what of it is the caller's own.
private final class Scene {
    private let loop: BaseEventLoop
    private var owned: [FileDescriptor] = []
    private var tasks: [any AnyFuture] = []
    private let gate = Gate()
    private let directory: TestDirectory
    private let place: TemporaryFile
    private let fifo: TemporaryFile
    private var stream: (any Transport)?
    private var datagrams: (any DatagramTransport)?
    private var child: (any SubprocessTransport)?
    private var server: Server?

    init(_ loop: BaseEventLoop) throws {
        self.loop = loop
        directory = try TestDirectory()
        place = try TemporaryFile([1], length: 32 << 20)
        fifo = try TemporaryFile.namedPipe()
        try addTransports()
        try addPipesAndProcesses()
        try addCalls()
        try addRest()
    }

    func owns(_ number: Int32) -> Bool { owned.contains(FileDescriptor(rawValue: number)) }

    private func start<Value>(_ body: @escaping () async throws -> Value) {
        tasks.append(loop.createTask(body))
    }

    private func addTransports() throws {
        let server = try loop.run {
            try await self.loop.createServer(host: "127.0.0.1", port: 0) { RecordingProtocol.echo() }
        }
        self.server = server
        let port = try server.sockets[0].localAddress().port ?? 0
        _ = try loop.run {
            try await self.loop.createUnixServer(path: self.directory.path(of: "s")) { RecordingProtocol() }
        }
        for _ in 0..<3 {
            let (transport, _) = try loop.run {
                try await self.loop.createConnection(host: "127.0.0.1", port: port) { RecordingProtocol() }
            }
            transport.write(patternBytes(3 << 20))
            stream = transport
        }
        // One more on its way.
        start { try await self.loop.createConnection(host: "127.0.0.1", port: port) { RecordingProtocol() } }
        start {
            try await self.loop.createConnection(
                host: "localhost",
                port: port,
                happyEyeballsDelay: .milliseconds(1)
            ) { RecordingProtocol() }
        }
        let (endpoint, _) = try loop.run {
            try await self.loop.createDatagramEndpoint(localAddress: ("127.0.0.1", 0)) {
                RecordingDatagramProtocol()
            }
        }
        let address = try #require(endpoint.extraInfo(.socketName))
        for _ in 0..<500 { try endpoint.sendTo(patternBytes(1000).span.bytes, address) }
        datagrams = endpoint
    }

    private func addPipesAndProcesses() throws {
        let pipe = try RawPipe()
        let (reading, writing) = (pipe.lend(pipe.reading), pipe.lend(pipe.writing))
        _ = try loop.run { try await self.loop.connectReadPipe(reading) { RecordingProtocol() } }
        let (writer, _) = try loop.run {
            try await self.loop.connectWritePipe(writing) { RecordingProtocol() }
        }
        writer.write(patternBytes(1 << 20))
        let end = try FileDescriptor.open(fifo.path, .readOnly, options: [.nonBlocking, .closeOnExec])
        _ = try loop.run { try await self.loop.connectReadPipe(end) { RecordingProtocol() } }
        child = try loop.startShell("cat; exec sleep 1000").child
        child?.getPipeTransport(0)?.write(patternBytes(1 << 20))
        let waiting = child
        start { try await waiting?.wait() }
        // One that ends just now.
        _ = try loop.startShell("exit 3")
        // One that does nothing by default: it may arrive when the handler is gone.
        try loop.addSignalHandler(Signal(rawValue: SIGURG)) {}
        kill(getpid(), SIGURG)
    }

    private func addCalls() throws {
        let pair = try SocketPair(.tcp)
        let (listener, _) = try testListener()
        let watched = try SocketPair(.unix)
        owned += [pair.first, pair.second, listener, watched.first, watched.second]
        start { try await self.loop.sockRecv(pair.second, upTo: 10) }
        start { try await self.loop.sockRecv(pair.second, upTo: 10) }
        start { try await self.loop.sockSendAll(pair.second, [UInt8](repeating: 1, count: 8 << 20)) }
        start { try await self.loop.sockAccept(listener) }
        try loop.addReader(watched.first) {}
        try loop.addWriter(watched.first) {}
        start {
            let file = try await File.open(self.place.path, on: self.loop)
            return try await self.loop.sockSendFile(pair.first, file)
        }
        let transport = stream
        start {
            let file = try await File.open(self.place.path, on: self.loop)
            return try await self.loop.sendFile(try #require(transport), file)
        }
        start {
            let file = try await File.open(self.place.path, on: self.loop)
            while true { _ = try await file.read(count: 1 << 20, at: 0) }
        }
    }

    private func addRest() throws {
        let (loop, gate) = (loop, gate)
        start { try await loop.runInExecutor { gate.pass() } }
        start { try await loop.getaddrinfo(host: "localhost", service: "http") }
        start { for await _ in try loop.ticks(every: .microseconds(10)) {} }
        start { try await Task.sleep(for: .seconds(1000)) }
        for number in 0..<1000 { try loop.callLater(.milliseconds(number)) { gate.open() } }
        for _ in 0..<1000 { try loop.callSoon {} }
        try loop.callSoonThreadSafe {}
    }

    /// What still has a handle calls it.
    func tryWhatALateCallerTries() {
        for task in tasks { task.cancel() }
        stream?.write([1, 2, 3])
        stream?.pauseReading()
        stream?.resumeReading()
        stream?.writeEOF()
        stream?.close()
        stream?.abort()
        try? datagrams?.sendTo([1].span.bytes, .ipv4(.loopback, port: 9))
        datagrams?.close()
        datagrams?.abort()
        #expect((try? child?.kill()) == false)
        child?.close()
        server?.closeClients()
        server?.abortClients()
        server?.close()
        #expect((try? loop.removeReader(FileDescriptor(rawValue: 0))) == false)
        #expect(throws: EventLoopError.closed) { try loop.removeSignalHandler(.interrupt) }
        #expect(throws: EventLoopError.closed) { try loop.callSoon {} }
        #expect(throws: EventLoopError.closed) { try loop.runForever() }
        #expect(throws: EventLoopError.closed) { try loop.callSoonThreadSafe {} }
    }

    func end() {
        gate.open()
        for descriptor in owned { try? descriptor.close() }
        directory.remove()
        place.remove()
        fifo.remove()
    }
}

/// Each descriptor's number and what it stands for. Another test's file that this process was started with stays the same when
/// that test removes it.
private func openDescriptors() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return names.compactMap { name in
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")).map {
            "\(name) \($0.replacingOccurrences(of: " (deleted)", with: ""))"
        }
    }
}
