import ArgumentParser
import CLoad
import Foundation
import Proactor

/// `loopbench demo`: real traffic on the ring and on the selector, side by side.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Serves HTTP and echo on the ring, then on epoll, under load, and prints one table.",
        discussion: "HTTP is driven by wrk, echo by the load generator of this package."
    )

    @Option(help: "How long each service is driven, in seconds.")
    var seconds = 3

    @Option(help: "How many connections drive a service.")
    var connections = 50

    func validate() throws {
        guard (1...60).contains(seconds) else {
            throw ValidationError("--seconds must lie between 1 and 60.")
        }
        guard (1...1_000).contains(connections) else {
            throw ValidationError("--connections must lie between 1 and 1,000.")
        }
    }

    func run() throws {
        cload_raise_descriptor_limit()
        // On one CPU the servers share it with the load; the figures are worth less then, but the demo works.
        let isPinned = cload_cpu_count() >= 2 && cload_pin(1) == 0
        let serverCPU = isPinned ? 0 : -1
        var table = TextTable(columns: [
            "service", "loop", "requests/s", "p50 µs", "p99 µs", "CPU µs/request", "load",
        ])
        var failed = false
        for loop in [LoopKind.proactor, .epoll] {
            for service in [Service.http, .echo] {
                let title = "\(service.rawValue) on \(loop.rawValue)"
                note("driving \(title) for \(seconds) s")
                do {
                    table.add(try row(service, loop, serverCPU))
                } catch {
                    // A machine without rings is no fault: there the library serves on a selector.
                    failed = failed || !(error is RingUnavailable)
                    note("\(title): \(error)")
                    table.add([service.rawValue, loop.rawValue, "–", "–", "–", "–", "could not run"])
                }
            }
        }
        print("\n\(Machine.current.line)\n")
        print(table.rendered(), terminator: "")
        if failed { throw ExitCode.failure }
    }

    private func row(_ service: Service, _ loop: LoopKind, _ cpu: Int) throws -> [String] {
        if loop == .proactor { try ProactorEventLoop().close() }
        var contender = Contender.serving(service, on: loop)
        contender.name = "demo-\(contender.name)"
        let server = try ServerProcess.start(contender, family: .tcp, cpu: cpu)
        let figures =
            switch service {
            case .http: try driveHTTP(server)
            case .echo: try driveEcho(server)
            }
        try server.stop()
        let values = [figures.requestsPerSecond, figures.p50Microseconds, figures.p99Microseconds]
        return [service.rawValue, loop.rawValue] + values.map { shown($0, 0) }
            + [shown(figures.cpuMicroseconds, 2), figures.load]
    }

    private func driveHTTP(_ server: borrowing ServerProcess) throws -> DemoFigures {
        guard case .tcp(let host, let port) = server.endpoint else {
            preconditionFailure("the demo serves TCP")
        }
        let wrk = WrkLoad(connections: connections, seconds: seconds)
        let before = cpuNanoseconds(of: server.processID)
        let outcome = try wrk.drive("http://\(host):\(port)/")
        let used = cpuNanoseconds(of: server.processID) - before
        return DemoFigures(
            requestsPerSecond: outcome.requestsPerSecond,
            p50Microseconds: outcome.p50Microseconds,
            p99Microseconds: outcome.p99Microseconds,
            cpuMicroseconds: used / outcome.requests / 1_000,
            load: "wrk, \(connections) connections"
        )
    }

    private func driveEcho(_ server: borrowing ServerProcess) throws -> DemoFigures {
        let workload = Workload(
            name: "demo",
            summary: "",
            kind: .echo,
            connections: connections,
            messageBytes: 64
        )
        let generator = LoadGenerator(warmUpSeconds: 0.3, windowSeconds: Double(seconds))
        let measured = try generator.measure(
            workload,
            contender: "demo",
            round: 1,
            endpoint: server.endpoint,
            processID: server.processID
        )
        guard measured.errors == 0, measured.corruptions == 0, measured.requests > 0 else {
            throw DemoProblem(
                "\(measured.errors) connections failed and \(measured.corruptions) got something else back"
            )
        }
        return DemoFigures(
            requestsPerSecond: measured.requestsPerSecond,
            p50Microseconds: Double(measured.latency.p50Nanoseconds) / 1_000,
            p99Microseconds: Double(measured.latency.p99Nanoseconds) / 1_000,
            cpuMicroseconds: measured.cpuMicroseconds,
            load: "64 B on \(connections) connections"
        )
    }
}

/// User and system time of all threads of a process that runs, in nanoseconds.
private func cpuNanoseconds(of processID: Int32) -> Double {
    var clock = clockid_t()
    var time = timespec()
    guard clock_getcpuclockid(processID, &clock) == 0, clock_gettime(clock, &time) == 0 else { return .nan }
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

private func note(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
}
