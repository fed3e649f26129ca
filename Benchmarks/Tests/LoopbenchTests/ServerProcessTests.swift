import Foundation
import Testing

@testable import loopbench

/// Servers that start, and those that do not.
struct ServerProcessTests {
    private static let echo = Workload(.echo, connections: 1)
    private static let cEpoll = Program.sibling("c-epoll-echo")

    @Test(arguments: ["{port}", "{path}"])
    func aServerOfTheCommandLineIsFoundByConnecting(_ placeholder: String) throws {
        let option = placeholder == "{path}" ? "--unix" : "--port"
        let contender = try own("\(Self.cEpoll) \(option) \(placeholder)")
        // One message, which is waited for: no window that a busy machine could let pass.
        let workload = Workload(.idle, family: placeholder == "{path}" ? .unix : .tcp, connections: 1)
        let server = try ServerProcess.start(contender, for: workload, cpu: -1)
        let endpoint = server.endpoint
        let measured = try LoadGenerator(warmUpSeconds: 0, windowSeconds: 0).measure(
            workload,
            contender: contender.name,
            round: 1,
            endpoint: endpoint,
            processID: server.processID
        )
        try server.stop()
        #expect(measured.requests == 1 && measured.errors == 0 && measured.corruptions == 0)
        if case .unix(let path) = endpoint { #expect(!FileManager.default.fileExists(atPath: path)) }
    }

    /// Many servers leave SIGTERM to the system, as this shell does. That is an orderly end, even if it takes nobody along.
    @Test func aServerOfTheCommandLineMayDieOfSIGTERM() throws {
        let server = try ServerProcess.start(
            own("sh -c '\(Self.cEpoll) --port $0 & wait' {port}"),
            for: Self.echo,
            cpu: -1
        )
        let endpoint = server.endpoint
        try server.stop()
        var listens = true
        for _ in 0..<5_000 where listens {
            listens = Probe.listens(at: endpoint)
            if listens { usleep(1_000) }
        }
        #expect(!listens)
    }

    @Test func whatAServerLeavesBehindIsEnded() throws {
        let file = FileManager.default.temporaryDirectory.appending(
            path: "loopbench-test-\(UUID().uuidString)"
        )
        defer { try? FileManager.default.removeItem(at: file) }
        let script = "sleep 60 & echo $! > \(file.path); exec \(Self.cEpoll) --port $0"
        try ServerProcess.start(own("sh -c '\(script)' {port}"), for: Self.echo, cpu: -1).stop()
        let left = try String(contentsOf: file, encoding: .utf8).trimmingCharacters(
            in: .whitespacesAndNewlines
        )
        // It was told to die, and does so when it gets a CPU; it is then gone as soon as whoever inherits it looks.
        var state: String?
        for _ in 0..<5_000 {
            let status = (try? String(contentsOfFile: "/proc/\(left)/stat", encoding: .utf8)) ?? ""
            state = status.split(separator: ")").last?.split(separator: " ").first.map(String.init)
            if state == nil || state == "Z" || state == "X" { return }
            usleep(1_000)
        }
        Issue.record("process \(left) is still there, in state \(state ?? "?")")
    }

    @Test(arguments: [
        ("sh -c 'echo the port $0 is cursed >&2; exit 3' {port}", "ended with status 3", "is cursed"),
        ("sh -c 'echo asleep; exec sleep 60' {port}", "does not listen on 127.0.0.1:", "asleep"),
        ("/dev/null {port}", "does not start", ""),
    ])
    func whatDoesNotListenIsReported(_ command: String, _ problem: String, _ lastWords: String) throws {
        var failure: ServerProcess.Failure?
        // On a busy machine it may take a while until a shell has said something.
        for seconds in command.contains("sleep") ? [0.3, 3, 30] : [10] {
            failure = problemOf(try own(command), seconds: seconds)
            if failure?.lastWords.contains(lastWords) == true { break }
        }
        #expect(try #require(failure).description.contains(problem))
        #expect(lastWords.isEmpty || failure?.lastWords.contains(lastWords) == true)
    }

    @Test(arguments: [
        (["-c", "echo hello"], "printed 'hello', not where it listens"),
        (["-c", "exit 4"], "ended with status 4"),
        (["-c", "exec sleep 60"], "does not say where it listens"),
    ])
    func ourOwnHaveToSayWhereTheyListen(_ arguments: [String], _ problem: String) throws {
        let contender = Contender(name: "mute", summary: "", program: "sh", arguments: arguments)
        let failure = try #require(problemOf(contender, seconds: problem.contains("does not") ? 0.3 : 10))
        #expect(failure.description.contains(problem))
    }

    /// Datagrams have no listener to connect to: it has to answer one.
    @Test func aServerOfDatagramsIsFoundByItsAnswer() throws {
        let program = Program.sibling("c-ring-udp")
        let workload = try #require(Workload(named: "udp-64Bx1"))
        let answers = try own("\(program) --port {port}", service: "udp-echo")
        try ServerProcess.start(answers, for: workload, cpu: -1).stop()
        let silent = try own("sh -c 'exec sleep 60' {port}", service: "udp-echo")
        let failure = try #require(problemOf(silent, seconds: 0.3, for: workload))
        #expect(failure.description.contains("does not answer datagrams on 127.0.0.1:"))
    }

    @Test func aUnixSocketIsWhereItsPathFits() {
        #expect(ServerProcess.socketFolder(temporary: "/tmp") == "/tmp")
        #expect(ServerProcess.socketFolder(temporary: "/dev/shm") == "/dev/shm")
        #expect(ServerProcess.socketFolder(temporary: "/nowhere/at/all") == "/tmp")
        #expect(
            ServerProcess.socketFolder(temporary: "/dev/shm" + String(repeating: "/.", count: 40)) == "/tmp"
        )
    }

    @Test func deathIsAFailure() throws {
        let script = "echo listening on 127.0.0.1:1; read never < /dev/zero; exit 5"
        let contender = Contender(name: "dying", summary: "", program: "sh", arguments: ["-c", "\(script)"])
        let server = try ServerProcess.start(contender, for: Self.echo, cpu: -1)
        kill(server.processID, SIGKILL)
        var failure: ServerProcess.Failure?
        do throws(ServerProcess.Failure) { try server.stop() } catch { failure = error }
        #expect(failure?.problem == "ended with status \(128 + SIGKILL)")
    }

    private func own(_ command: String, service: String = "echo") throws -> Contender {
        let template = try ContenderArgument("mine:\(service)=\(command)").template
        return Contender(
            name: "mine-\(UUID().uuidString.prefix(8))",
            summary: "",
            program: "",
            templates: [template]
        )
    }

    private func problemOf(
        _ contender: Contender,
        seconds: Double,
        for workload: Workload = echo
    ) -> ServerProcess.Failure? {
        switch Result(catching: { () throws(ServerProcess.Failure) in
            try ServerProcess.start(contender, for: workload, cpu: -1, within: seconds).stop()
        }) {
        case .success: nil
        case .failure(let failure): failure
        }
    }
}
