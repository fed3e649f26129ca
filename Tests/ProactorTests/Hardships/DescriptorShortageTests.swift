import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Proactor

/// What a loop says, and leaves behind, when the process has no descriptor left. Each in a process of its own: the limit is
/// the process's.
@Suite struct DescriptorShortageTests {
    @Test(.exitTest) func everyCallSaysThatDescriptorsHaveRunOut() async {
        await #expect(processExitsWith: .success) {
            waitUntilTheFirstThreadIsSuspended()
            for kind in LoopKind.allCases {
                try await kind.withLoop { loop in try Shortage(loop).checkEveryCall() }
            }
        }
    }

    @Test(.exitTest) func aLoopThatCannotBeMadeSaysSo() async {
        await #expect(processExitsWith: .success) {
            waitUntilTheFirstThreadIsSuspended()
            let hog = try DescriptorHog()
            hog.take(sparing: 0)
            if LoopKind.allCases.contains(.ring) {
                let error = #expect(throws: RingUnavailable.self) { try EventLoop() }
                #expect("\(String(describing: error))".contains("ulimit -n"))
                #expect(throws: RingUnavailable.self) { try ProactorEventLoop() }
            }
            for selector in SelectorKind.allCases {
                let expected = SelectorUnavailable(.makeWaker, .tooManyOpenFiles, selector: selector)
                #expect(throws: expected) { try SelectorEventLoop(selector: selector) }
            }
            hog.release()
            // One for its eventfd is all that a loop over poll or select needs.
            hog.take(sparing: 1)
            let expected = SelectorUnavailable(.makeSelector, .tooManyOpenFiles, selector: .epoll)
            #expect(throws: expected) { try SelectorEventLoop() }
            for selector in [SelectorKind.poll, .select] { try SelectorEventLoop(selector: selector).close() }
            hog.release()
            for kind in LoopKind.allCases { try kind.makeLoop().close() }
        }
    }

    // Pitfall 39
    // Behaviour 22
    @Test(.exitTest) func aServerOutlivesTheShortage() async {
        await #expect(processExitsWith: .success) {
            waitUntilTheFirstThreadIsSuspended()
            for kind in LoopKind.allCases {
                try await kind.withLoop { loop in
                    var reports: [ExceptionContext] = []
                    loop.setExceptionHandler { _, context in reports.append(context) }
                    // Before the accept is begun: a ring takes the limit down then.
                    let hog = try DescriptorHog()
                    let server = try loop.run {
                        try await loop.createServer(host: "127.0.0.1", port: 0) { RecordingProtocol.echo() }
                    }
                    let port = try server.sockets[0].localAddress().port ?? 0
                    try loop.turn()
                    hog.take(sparing: 1)
                    let peer = try RawPeer(connectedTo: port)
                    try loop.rest { !reports.isEmpty }
                    #expect((reports.first?.error as? SocketError)?.errno == .tooManyOpenFiles)
                    hog.release()
                    peer.write("late")
                    try loop.rest {
                        peer.read()
                        return peer.text == "late"
                    }
                    #expect(reports.count == 1)
                    server.close()
                    server.abortClients()
                    loop.setExceptionHandler(nil)
                }
            }
        }
    }
}

/// Lowers the limit on descriptors, and takes all that are left.
private final class DescriptorHog {
    private var taken: [Int32] = []
    private var former = rlimit()

    init() throws {
        try SocketPair.check(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &former))
        var limit = former
        limit.rlim_cur = min(limit.rlim_cur, 256)
        try SocketPair.check(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit))
    }

    /// Takes descriptors until the process has none left but so many.
    func take(sparing spared: Int) {
        while true {
            let next = dup(2)
            guard next >= 0 else { break }
            taken.append(next)
        }
        for _ in 0..<spared { close(taken.removeLast()) }
    }

    func release() {
        for descriptor in taken { close(descriptor) }
        taken = []
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &former)
    }

    deinit { release() }
}

/// One loop's calls without a descriptor to spare.
private struct Shortage {
    let loop: BaseEventLoop

    init(_ loop: BaseEventLoop) { self.loop = loop }

    func checkEveryCall() throws {
        let listening = try testListener()
        let place = try TemporaryFile([1, 2, 3])
        // What is made once is there already.
        try loop.turn()
        _ = try? loop.run { try await loop.getaddrinfo(host: "localhost", service: "80") }
        let caller = try RawPeer(connectedTo: listening.address.port ?? 0)
        let hog = try DescriptorHog()
        hog.take(sparing: 0)
        try checkSockets(listening.socket)
        try checkProcesses()
        expect("addSignalHandler") { try loop.addSignalHandler(.user2) {} }
        expect("open") { try loop.run { try await File.open(place.path, on: loop) } }
        expect("getaddrinfo", isAboutDescriptors: false) {
            try loop.run { try await loop.getaddrinfo(host: "localhost", service: "80") }
        }
        hog.release()
        // All is well again.
        let (accepted, _) = try loop.run { try await loop.sockAccept(listening.socket) }
        try accepted.close()
        caller.close()
        try listening.socket.close()
        #expect(try loop.outputOfShell("echo well") == "well\n")
        try loop.addSignalHandler(.user2) {}
        try loop.removeSignalHandler(.user2)
    }

    private func checkSockets(_ listener: FileDescriptor) throws {
        expect("createConnection") {
            try loop.run {
                try await loop.createConnection(host: "127.0.0.1", port: 1) { RecordingProtocol() }
            }
        }
        expect("createServer") {
            try loop.run { try await loop.createServer(host: "127.0.0.1", port: 0) { RecordingProtocol() } }
        }
        expect("createDatagramEndpoint") {
            try loop.run {
                try await loop.createDatagramEndpoint(localAddress: ("127.0.0.1", 0)) {
                    RecordingDatagramProtocol()
                }
            }
        }
        expect("sockAccept") { try loop.run { try await loop.sockAccept(listener) } }
    }

    private func checkProcesses() throws {
        expect("subprocessShell") {
            try loop.run { try await loop.subprocessShell("true") { RecordingSubprocess() } }
        }
        let startWithoutPipes = {
            try loop.run {
                let (child, _) = try await loop.subprocessExec(
                    "/bin/true",
                    standardInput: .null,
                    standardOutput: .null,
                    standardError: .null
                ) { RecordingSubprocess() }
                return try await child.wait()
            }
        }
        // A ring that waits by number needs none.
        if (loop as? ProactorEventLoop)?.features.childWaits == true {
            #expect(try startWithoutPipes() == 0)
        } else {
            expect("subprocessExec without pipes", startWithoutPipes)
        }
        #expect(waitpid(-1, nil, WNOHANG) == -1 && errno == ECHILD, "a zombie is left")
    }

    private func expect<Result>(
        _ call: String,
        isAboutDescriptors: Bool = true,
        _ body: () throws -> Result
    ) {
        do {
            _ = try body()
            if isAboutDescriptors { Issue.record("\(call) found a descriptor") }
        } catch {
            let errno =
                (error as? SocketError)?.errno ?? (error as? ProcessError)?.errno
                ?? (error as? FileError)?.errno
            guard isAboutDescriptors else { return }
            #expect(errno == .tooManyOpenFiles || error is SignalError, "\(call): \(error)")
            #expect("\(error)".hasSuffix("raise the limit on open files (ulimit -n)"), "\(call): \(error)")
        }
    }
}
