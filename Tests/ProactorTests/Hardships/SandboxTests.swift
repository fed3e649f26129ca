import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Proactor

/// A sandbox that is older than some calls answers them with an error of its own: what has an older twin works all the same.
@Suite struct SandboxTests {
    // Pitfall 12
    @Test(.exitTest, arguments: NewCall.allCases, [EPERM, EACCES, ENOSYS])
    func aLoopWorksWithoutACall(_ call: NewCall, _ errno: Int32) async {
        await #expect(processExitsWith: .success) { [call, errno] in
            try refuseCalls([call.rawValue] + NewCall.ofRings, errno)
            for kind in [LoopKind.epoll, .poll, .select] { try Sandbox.exercise(try kind.makeLoop()) }
        }
    }

    // Pitfall 12
    @Test(.exitTest, arguments: [EPERM, EACCES, ENOSYS])
    func aLoopFallsBackWhereAllNewCallsAreRefused(_ errno: Int32) async {
        await #expect(processExitsWith: .success) { [errno] in
            try refuseCalls(NewCall.newest.map(\.rawValue) + NewCall.ofRings, errno)
            let loop = try EventLoop()
            let reason = RingUnavailable.forbiddenBySeccomp(Errno(rawValue: errno))
            if errno != EACCES { #expect(loop.choice == .selector(.epoll, reason: reason)) }
            try Sandbox.exercise(loop)
        }
    }

    /// A ring that is allowed leaves less to the other calls, and what is left works too.
    @Test(.exitTest, .needsRing, arguments: NewCall.allCases, [EPERM, EACCES])
    func aRingWorksWithoutACall(_ call: NewCall, _ errno: Int32) async {
        await #expect(processExitsWith: .success) { [call, errno] in
            try refuseCalls([call.rawValue], errno)
            for kind in [LoopKind.ring, .ringOlderPaths] { try Sandbox.exercise(try kind.makeLoop()) }
        }
    }

    // Pitfall 12
    @Test(.exitTest, arguments: [EPERM, EACCES])
    func whatIsTrueIsStillTold(_ errno: Int32) async {
        await #expect(processExitsWith: .success) { [errno] in
            try refuseCalls(NewCall.allCases.map(\.rawValue) + NewCall.ofRings, errno)
            let loop = try LoopKind.epoll.makeLoop()
            let file = try TemporaryFile([1])
            try SocketPair.check(chmod(file.path.string, 0o600))
            for (program, reason) in [
                (file.path.string, Errno.permissionDenied), ("/nowhere", .noSuchFileOrDirectory),
            ] {
                #expect {
                    try loop.run { _ = try await loop.subprocessExec(program) { RecordingSubprocess() } }
                } throws: {
                    ($0 as? ProcessError)?.errno == reason
                }
            }
            var options = ProcessOptions()
            options.workingDirectory = "/nowhere"
            #expect {
                _ = try loop.startShell("true", options: options)
            } throws: {
                ($0 as? ProcessError)?.errno == .noSuchFileOrDirectory
            }
            try loop.close()
        }
    }
}

/// What every loop can do, a little of each.
enum Sandbox {
    static func exercise(_ loop: BaseEventLoop) throws {
        try timers(loop)
        try server(loop)
        try datagrams(loop)
        try children(loop)
        try files(loop)
        // A child that its loop ends.
        let (child, _) = try loop.startShell("exec sleep 1000")
        let pid = child.pid
        try loop.close()
        waitUntilReaped(pid)
    }

    private static func timers(_ loop: BaseEventLoop) throws {
        var order: [Int] = []
        let start = ContinuousClock.now
        for number in [2, 1, 3] { try loop.callLater(.milliseconds(number)) { order.append(number) } }
        try loop.callLater(.milliseconds(4)) { loop.stop() }
        try loop.runForever()
        // A thread that is held up between the calls makes the deadlines of later ones later.
        #expect(order.sorted() == [1, 2, 3] && ContinuousClock.now - start >= .milliseconds(4))
        try loop.run { try await loop.sleepForTest() }
    }

    private static func server(_ loop: BaseEventLoop) throws {
        let server = try loop.serve {
            let echo = RecordingProtocol()
            echo.onData = { transport, bytes in transport.write(bytes) }
            return echo
        }
        let client = RecordingProtocol()
        let port = try loop.port(of: server)
        let (transport, _) = try loop.run {
            try await loop.createConnection(host: "127.0.0.1", port: port) { client }
        }
        transport.write("hello")
        try loop.rest(until: { client.text == "hello" })
        transport.abort()
        server.close()
        let listener = try testListener()
        let peer = try RawPeer(connectedTo: try #require(listener.address.port))
        let (accepted, address) = try loop.run { try await loop.sockAccept(listener.socket) }
        #expect(address.family == .ipv4)
        peer.write("hi")
        #expect(try loop.run { try await loop.sockRecv(accepted, upTo: 9) } == Array("hi".utf8))
        #expect(fcntl(accepted.rawValue, F_GETFD) & FD_CLOEXEC != 0)
        try accepted.close()
        try listener.socket.close()
    }

    private static func datagrams(_ loop: BaseEventLoop) throws {
        let (transport, peer) = try loop.connectEndpoint(RecordingDatagramProtocol(), .ipv4)
        // Of several sizes: not all of them go out as one.
        for number in 0..<5 { try transport.sendTo(numbered(number, size: 10 + number)) }
        var received: [[UInt8]] = []
        try loop.rest(until: {
            received += peer.receiveAll()
            return received.count == 5
        })
        #expect(received == (0..<5).map { numbered($0, size: 10 + $0) })
        try loop.finish(transport)
    }

    private static func children(_ loop: BaseEventLoop) throws {
        #expect(try loop.outputOfShell("echo out; ls /proc/self/fd | wc -l; exit 0").hasPrefix("out\n"))
        let (failing, recorder) = try loop.startShell("exit 7")
        try loop.runToTheEnd(failing, recorder)
        #expect(failing.returnCode == 7)
        let (killed, killedRecorder) = try loop.startShell("exec sleep 1000")
        #expect(try killed.kill())
        try loop.runToTheEnd(killed, killedRecorder)
        #expect(killed.returnCode == -SIGKILL)
        var options = ProcessOptions()
        options.workingDirectory = "/"
        options.environment = ["PATH": "/usr/bin:/bin", "WORD": "there"]
        #expect(try loop.outputOfShell("pwd; echo $WORD", options: options) == "/\nthere\n")
    }

    private static func files(_ loop: BaseEventLoop) throws {
        let place = try TemporaryFile(patternBytes(5000))
        let (content, status) = try loop.run {
            let file = try await File.open(place.path, .readWrite, on: loop)
            try await file.write([9, 9], at: 0)
            let content = try await file.read(count: 6000, at: 0)
            let status = try await file.status()
            try await file.close()
            return (content, status)
        }
        #expect(content == [9, 9] + patternBytes(5000)[2...])
        #expect(status.size == 5000)
    }
}

extension BaseEventLoop {
    fileprivate func sleepForTest() async throws {
        let end = createFuture()
        try callLater(.milliseconds(1)) { end.succeed(()) }
        try await end.value()
    }
}
