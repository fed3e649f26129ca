import CLoad
import Foundation

/// A contender's server while it runs.
struct ServerProcess: ~Copyable {
    /// A server that did not do what a server is asked to do.
    struct Failure: Error, CustomStringConvertible {
        var command: [String]
        var problem: String
        /// What it wrote to standard error last, each line after a line break; empty if it wrote nothing.
        var lastWords = ""

        var description: String { "\(command.joined(separator: " ")): \(problem)\(lastWords)" }
    }

    /// How long a server may take until it listens, in seconds, where nothing else is said.
    static let startSecondsMax = 10.0
    private static let stopSecondsMax = 5.0

    let endpoint: Contender.Endpoint
    var processID: Int32 { child.processID }
    /// Where a proxy forwards to.
    let upstream: Upstream?
    private let child: ChildProcess
    private let arguments: [String]
    /// It is not one of this package's own, so that it may leave SIGTERM to the system.
    private let isForeign: Bool

    /// Starts the contender's server for `workload`, pinned to `cpu`, and waits until it listens. Over TLS it shows the
    /// certificate.
    static func start(
        _ contender: Contender,
        for workload: Workload,
        cpu: Int,
        within seconds: Double = startSecondsMax,
        certificate: RunCertificate? = nil
    ) throws(Failure) -> ServerProcess {
        let wanted = try place(for: contender, workload)
        let upstream = try upstream(for: contender, workload)
        let arguments = contender.command(
            endpoint: wanted,
            for: workload,
            upstream: upstream?.port,
            certificate: certificate
        )
        let child: ChildProcess
        switch Result(catching: { () throws(ChildProcess.StartProblem) in
            try ChildProcess(arguments, cpu: cpu, announces: !contender.isOwn)
        }) {
        case .success(let started): child = started
        case .failure(let problem):
            throw Failure(
                command: arguments,
                problem: "does not start: \(String(cString: strerror(problem.code)))"
            )
        }
        let deadline = ContinuousClock.now + .seconds(seconds)
        let outcome =
            contender.isOwn
            ? awaitListener(of: child, at: wanted, workload.service, until: deadline)
            : awaitLine(of: child, wanted: wanted, until: deadline)
        switch outcome {
        case .success(let endpoint):
            return ServerProcess(
                endpoint: endpoint,
                upstream: upstream,
                child: child,
                arguments: arguments,
                isForeign: contender.isOwn
            )
        case .failure(let problem):
            throw Failure(command: arguments, problem: problem.text, lastWords: child.lastWords)
        }
    }

    /// Asks the server to end, as an operator would. A server that dies, or has to be killed, fails its measurement.
    consuming func stop() throws(Failure) {
        let end = child.stop(by: SIGTERM, within: Self.stopSecondsMax)
        if case .unix(let path) = endpoint { unlink(path) }
        switch end {
        case .status(0): return
        case .status(128 + SIGTERM) where isForeign: return
        case .status(let status):
            throw Failure(
                command: arguments,
                problem: "ended with status \(status)",
                lastWords: child.lastWords
            )
        case .killed:
            throw Failure(
                command: arguments,
                problem: "did not end within \(shown(Self.stopSecondsMax, 0)) s of SIGTERM",
                lastWords: child.lastWords
            )
        }
    }
}

// MARK: - Readiness

extension ServerProcess {
    /// Why a server that was started does not listen.
    private struct NotListening: Error {
        var text: String
    }

    /// Where the server is to listen. One that cannot say which port it got is given one that is free now.
    private static func place(
        for contender: Contender,
        _ workload: Workload
    ) throws(Failure) -> Contender.Endpoint {
        let host = "127.0.0.1"
        switch workload.family {
        case .unix:
            let folder = socketFolder(temporary: FileManager.default.temporaryDirectory.path)
            let path = "\(folder)/loopbench-\(getpid())-\(contender.name).sock"
            unlink(path)
            return .unix(path: path)
        case .tcp where !contender.isOwn: return .tcp(host: host, port: 0)
        case .tcp:
            guard let port = Probe.freePort(forDatagrams: workload.service == .udpEcho) else {
                throw Failure(command: [contender.name], problem: "no port is free on \(host)")
            }
            return .tcp(host: host, port: port)
        }
    }

    private static func upstream(
        for contender: Contender,
        _ workload: Workload
    ) throws(Failure) -> Upstream? {
        guard workload.service == .proxy else { return nil }
        switch Result(catching: { () throws(LoadGenerator.Failure) in try Upstream() }) {
        case .success(let upstream): return upstream
        case .failure(let failure): throw Failure(command: [contender.name], problem: "\(failure)")
        }
    }

    /// Where Unix sockets are made. The path of one has 107 bytes at most, of which a name may take 60.
    static func socketFolder(temporary: String) -> String {
        temporary.utf8.count <= 44 && access(temporary, W_OK) == 0 ? temporary : "/tmp"
    }

    private static func awaitLine(
        of child: borrowing ChildProcess,
        wanted: Contender.Endpoint,
        until deadline: ContinuousClock.Instant
    ) -> Result<Contender.Endpoint, NotListening> {
        switch child.readLine(until: deadline) {
        case .whole(let line):
            if let endpoint = endpoint(in: line, wanted: wanted) { return .success(endpoint) }
            _ = child.stop(by: SIGKILL, within: 1)
            return .failure(NotListening(text: "printed '\(line)', not where it listens"))
        case .cut:
            // It closed as the process ends, most likely, and that end's status is wanted: no signal is sent.
            switch child.stop(by: 0, within: stopSecondsMax) {
            case .status(let status): return .failure(NotListening(text: "ended with status \(status)"))
            case .killed: return .failure(NotListening(text: "closed its standard output and did not listen"))
            }
        case .late:
            _ = child.stop(by: SIGKILL, within: 1)
            return .failure(
                NotListening(text: "does not say where it listens in the time that it has (--start-timeout)")
            )
        }
    }

    private static func awaitListener(
        of child: borrowing ChildProcess,
        at endpoint: Contender.Endpoint,
        _ service: Service,
        until deadline: ContinuousClock.Instant
    ) -> Result<Contender.Endpoint, NotListening> {
        while ContinuousClock.now < deadline, !cload_was_interrupted() {
            if let status = child.status() {
                return .failure(NotListening(text: "ended with status \(status)"))
            }
            let isThere = service == .udpEcho ? Probe.answers(at: endpoint) : Probe.listens(at: endpoint)
            if isThere { return .success(endpoint) }
            usleep(2_000)
        }
        _ = child.stop(by: SIGKILL, within: 1)
        let place =
            switch endpoint {
            case .tcp(let host, let port): "\(host):\(port)"
            case .unix(let path): path
            }
        let missing = service == .udpEcho ? "answer datagrams" : "listen"
        return .failure(
            NotListening(text: "does not \(missing) on \(place) in the time that it has (--start-timeout)")
        )
    }

    private static func endpoint(in line: String, wanted: Contender.Endpoint) -> Contender.Endpoint? {
        guard line.hasPrefix("listening on ") else { return nil }
        switch wanted {
        case .unix: return wanted
        case .tcp(let host, _):
            guard let digits = line.split(separator: ":").last, let port = UInt16(digits) else { return nil }
            return .tcp(host: host, port: port)
        }
    }
}
