import ArgumentParser
import CLoad
import Foundation
import Proactor

/// `loopbench demo`: real traffic on the ring and on the selector, side by side.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract:
            "Serves HTTP, echo and echo over TLS on the ring, then on epoll, under load, and prints one table.",
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
        let cpus = try? CPUPair.choose()
        if let cpus { cload_pin(Int32(cpus.load)) }
        let serverCPU = cpus?.server ?? -1
        var table = TextTable(columns: [
            "service", "loop", "requests/s", "p50 µs", "p99 µs", "CPU µs/request", "load",
        ])
        var failed = false
        let workloads = [
            Workload(.http, connections: connections), Workload(.echo, connections: connections),
            Workload(.echo, tls: .full, connections: connections),
        ]
        let certificate = try RunCertificate.ifNeeded(for: workloads)
        for loop in [LoopKind.proactor, .epoll] {
            for workload in workloads {
                let service = workload.tls == nil ? workload.service.rawValue : "echo over TLS"
                let title = "\(service) on \(loop.rawValue)"
                note("driving \(title) for \(seconds) s")
                do {
                    table.add(
                        [service, loop.rawValue] + (try figures(of: workload, loop, serverCPU, certificate))
                    )
                } catch {
                    // A machine without rings is no fault: there the library serves on a selector.
                    failed = failed || !(error is RingUnavailable)
                    note("\(title): \(error)")
                    table.add([service, loop.rawValue, "–", "–", "–", "–", "could not run"])
                }
            }
        }
        print("\n\(Machine.current.line)\n")
        print(table.rendered(), terminator: "")
        if failed { throw ExitCode.failure }
    }

    private func figures(
        of workload: Workload,
        _ loop: LoopKind,
        _ cpu: Int,
        _ certificate: RunCertificate?
    ) throws -> [String] {
        if loop == .proactor { try ProactorEventLoop().close() }
        var contender = Contender.serving(on: loop)
        contender.name = "demo-\(contender.name)"
        let server = try ServerProcess.start(contender, for: workload, cpu: cpu, certificate: certificate)
        let figures =
            workload.kind == .http
            ? try driveHTTP(server, Int32(cpu)) : try driveEcho(server, workload, certificate)
        try server.stop()
        let values = [figures.requestsPerSecond, figures.p50Microseconds, figures.p99Microseconds]
        return values.map { shown($0, 0) } + [shown(figures.cpuMicroseconds, 2), figures.load]
    }

    private func driveHTTP(_ server: borrowing ServerProcess, _ serverCPU: Int32) throws -> DemoFigures {
        guard case .tcp(let host, let port) = server.endpoint else {
            preconditionFailure("the demo serves TCP")
        }
        let wrk = WrkLoad(connections: connections, seconds: seconds)
        let before = cload_cpu_ns(server.processID, serverCPU)
        let outcome = try wrk.drive("http://\(host):\(port)/")
        let used = Double(cload_cpu_ns(server.processID, serverCPU)) - Double(before)
        return DemoFigures(
            requestsPerSecond: outcome.requestsPerSecond,
            p50Microseconds: outcome.microseconds(at: 0.5),
            p99Microseconds: outcome.microseconds(at: 0.99),
            cpuMicroseconds: used / outcome.requests / 1_000,
            load: "wrk, \(connections) connections"
        )
    }

    private func driveEcho(
        _ server: borrowing ServerProcess,
        _ workload: Workload,
        _ certificate: RunCertificate?
    ) throws -> DemoFigures {
        var generator = LoadGenerator(warmUpSeconds: 0.3, windowSeconds: Double(seconds), cpus: nil)
        generator.certificate = certificate
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
            p50Microseconds: Figure.p50.value(of: measured, in: workload),
            p99Microseconds: Figure.p99.value(of: measured, in: workload),
            cpuMicroseconds: measured.cpuMicroseconds,
            load: "64 B on \(connections) connections"
        )
    }
}
