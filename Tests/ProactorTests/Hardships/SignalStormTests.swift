import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Proactor

/// Signals that interrupt whatever the process does, thousands a second. In a process of its own.
@Suite struct SignalStormTests {
    // Pitfall 5
    @Test(.exitTest) func everythingWorksWhileSignalsInterruptIt() async {
        await #expect(processExitsWith: .success) {
            for kind in LoopKind.allCases {
                try await kind.withLoop { loop in
                    let storm = SignalStorm()
                    try Self.useEverything(loop)
                    storm.end()
                }
            }
        }
    }

    private static func useEverything(_ loop: BaseEventLoop) throws {
        let bytes = patternBytes(3_000_000)
        try echo(bytes, loop)
        try move(bytes, loop)
        try sendFile(bytes, loop)
        for _ in 0..<5 {
            let (child, recorder) = try loop.startShell("cat")
            child.getPipeTransport(0)?.write(bytes)
            child.getPipeTransport(0)?.writeEOF()
            try loop.runToTheEnd(child, recorder)
            #expect(recorder.output == bytes)
            #expect(child.returnCode == 0)
        }
        #expect(try !loop.run { try await loop.getaddrinfo(host: "localhost", service: "80") }.isEmpty)
        var told = 0
        try loop.addSignalHandler(.user1) { told += 1 }
        kill(getpid(), SIGUSR1)
        try loop.rest { told == 1 }
        try loop.removeSignalHandler(.user1)
    }

    private static func echo(_ bytes: [UInt8], _ loop: BaseEventLoop) throws {
        let server = try loop.run {
            try await loop.createServer(host: "127.0.0.1", port: 0) { RecordingProtocol.echo() }
        }
        let port = try server.sockets[0].localAddress().port ?? 0
        let client = RecordingProtocol()
        let (transport, _) = try loop.run {
            try await loop.createConnection(host: "127.0.0.1", port: port) { client }
        }
        transport.write(bytes)
        try loop.rest { client.received.count >= bytes.count }
        #expect(client.received == bytes)
        transport.close()
        server.close()
    }

    private static func move(_ bytes: [UInt8], _ loop: BaseEventLoop) throws {
        let pair = try SocketPair(.tcp)
        let sending = loop.createTask { try await loop.sockSendAll(pair.first, bytes) }
        let received = try loop.run {
            var all: [UInt8] = []
            while all.count < bytes.count { all += try await loop.sockRecv(pair.second, upTo: 100_000) }
            return all
        }
        try loop.runUntilComplete(sending)
        #expect(received == bytes)
        try pair.first.close()
        try pair.second.close()
    }

    private static func sendFile(_ bytes: [UInt8], _ loop: BaseEventLoop) throws {
        let place = try TemporaryFile(bytes)
        let (transport, peer) = try loop.connect(RecordingProtocol(), over: .tcp)
        let task = loop.createTask {
            try await File.withFile(place.path, on: loop) { (file) async throws in
                #expect(try await file.read(count: bytes.count, at: 0) == bytes)
                return try await loop.sendFile(transport, file)
            }
        }
        try loop.rest {
            peer.read()
            return task.done && peer.received.count >= bytes.count
        }
        #expect(try task.result() == Int64(bytes.count))
        #expect(peer.received == bytes)
        try loop.finish(transport, peer)
    }
}

/// SIGALRM every 200 µs, by a handler that restarts nothing.
private final class SignalStorm {
    init() {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        sigaction(SIGALRM, &action, nil)
        set(microseconds: 200)
    }

    func end() {
        set(microseconds: 0)
    }

    private func set(microseconds: Int) {
        let interval = timeval(tv_sec: 0, tv_usec: microseconds)
        var timer = itimerval(it_interval: interval, it_value: interval)
        setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
    }
}
