import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Which calls of the loop see the task-local values of the task that asked for them. The page for those who come from asyncio
/// lists them.
@Suite(.serialized) struct CallbackContextTests {
    @TaskLocal static var value = 0

    @Test(arguments: LoopKind.allCases)
    func whatIsScheduledSeesTheValues(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let seen = SeenValues()
            let future = loop.createFuture()
            try loop.run {
                try Self.$value.withValue(7) {
                    try loop.callSoon { seen.note("callSoon") }
                    try loop.callSoonThreadSafe { seen.note("callSoonThreadSafe") }
                    try loop.callLater(.zero) { seen.note("callLater") }
                    try loop.callAt(loop.time()) { seen.note("callAt") }
                    future.addDoneCallback { _ in seen.note("addDoneCallback") }
                    loop.createTask { seen.note("createTask") }
                    try loop.runCoroutineThreadSafe { seen.note("runCoroutineThreadSafe") }
                }
                try future.setResult()
                try await until { seen.all.count == 7 }
            }
            #expect(seen.all.values.allSatisfy { $0 == 7 }, "\(seen.all)")
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatTheKernelTellsDoesNot(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let seen = SeenValues()
            let readers = try SocketPair(.unix)
            let peer = RawPeer(readers.second)
            try loop.run {
                try Self.$value.withValue(7) {
                    try loop.addReader(readers.first) {
                        seen.note("reader")
                        try loop.removeReader(readers.first)
                    }
                    try loop.addWriter(readers.first) {
                        seen.note("writer")
                        try loop.removeWriter(readers.first)
                    }
                    try loop.addSignalHandler(.windowChange) { seen.note("signal handler") }
                }
                peer.write("x")
                kill(getpid(), SIGWINCH)
                try await until { seen.all.count == 3 }
            }
            #expect(seen.all.values.allSatisfy { $0 == 0 }, "\(seen.all)")
            try loop.removeSignalHandler(.windowChange)
            close(readers.first.rawValue)
        }
    }

    /// A protocol is called within the call of a task only where that call itself brings something about.
    @Test(arguments: LoopKind.allCases)
    func aProtocolSeesThemWithinTheCallsOfATask(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let seen = SeenValues()
            // More than the kernel has room for.
            let size = 4 << 20
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            try loop.run {
                let (transport, _) = try await Self.$value.withValue(7) {
                    try await loop.connectAcceptedSocket(pair.first) {
                        seen.note("protocol factory")
                        return WatchedProtocol(seen)
                    }
                }
                peer.write("x")
                try await until { seen.all["dataReceived"] != nil }
                try Self.$value.withValue(7) {
                    try transport.setWriteBufferLimits(high: 0, low: 0)
                    transport.write([UInt8](repeating: 1, count: size))
                }
                try await until {
                    peer.read()
                    return peer.received.count == size
                }
                try await until { seen.all["resumeWriting"] != nil }
                Self.$value.withValue(7) {
                    transport.pauseReading()
                    transport.resumeReading()
                }
                peer.close()
                try await until { seen.all["eofReceived"] != nil }
                Self.$value.withValue(7) { transport.abort() }
                try await until { seen.all["connectionLost"] != nil }
            }
            #expect(
                seen.all == [
                    "protocol factory": 7, "connectionMade": 7, "dataReceived": 0, "pauseWriting": 7,
                    "resumeWriting": 0, "eofReceived": 0, "connectionLost": 0,
                ]
            )
        }
    }

    /// Those that a server accepts are greeted with the values of who has it serve, and what the kernel tells them comes without.
    @Test(arguments: LoopKind.allCases)
    func theProtocolsOfAServerSeeThemWhereTheyAreGreeted(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let seen = SeenValues()
            try loop.run {
                let server = try await Self.$value.withValue(7) {
                    try await loop.createServer(host: "127.0.0.1", port: 0) {
                        seen.note("protocol factory")
                        return WatchedProtocol(seen)
                    }
                }
                let peer = try RawPeer(connectedTo: loop.port(of: server))
                peer.write("x")
                try await until { seen.all["dataReceived"] != nil }
                peer.close()
                try await until { seen.all["eofReceived"] != nil }
                server.close()
                server.abortClients()
                try await until { seen.all["connectionLost"] != nil }
            }
            #expect(
                seen.all == [
                    "protocol factory": 7, "connectionMade": 7, "dataReceived": 0, "eofReceived": 0,
                    "connectionLost": 0,
                ]
            )
        }
    }
}

/// `@unchecked Sendable`: guarded by the lock.
private final class SeenValues: @unchecked Sendable {
    private let values = ThreadLock<[String: Int]>([:])

    var all: [String: Int] { values.withLock { $0 } }

    func note(_ place: String) {
        let value = CallbackContextTests.value
        values.withLock { $0[place] = value }
    }
}

private final class WatchedProtocol: StreamProtocol {
    private let seen: SeenValues

    init(_ seen: SeenValues) {
        self.seen = seen
    }

    func connectionMade(_ transport: any Transport) { seen.note("connectionMade") }
    func dataReceived(_ data: RawSpan) { seen.note("dataReceived") }
    func pauseWriting() { seen.note("pauseWriting") }
    func resumeWriting() { seen.note("resumeWriting") }
    func connectionLost(_ error: (any Error)?) { seen.note("connectionLost") }

    func eofReceived() -> Bool {
        seen.note("eofReceived")
        return true
    }
}

/// Turn after turn until it holds.
private nonisolated(nonsending) func until(_ condition: () -> Bool) async throws {
    let deadline = ContinuousClock.now + TestLimit.wait
    while !condition() {
        guard ContinuousClock.now < deadline else { throw TestError(number: -1) }
        await Task.yield()
    }
}
