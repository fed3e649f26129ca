import CLoad

/// Lets contenders take turns at workloads.
struct Runner {
    /// Too few CPUs to tell the server's time from the load's.
    struct OneCPU: Error, CustomStringConvertible {
        var description: String {
            """
            Refusing to compare on one CPU: the load generator would take its time from the server it drives, by an \
            amount that depends on the server, so that no figure would be the server's own. Give --server-cpu and \
            --load-cpu two different CPUs that this process may use.
            """
        }
    }

    var rounds: Int
    var serverCPU: Int
    var loadCPU: Int
    var generator: LoadGenerator
    /// Told before each measurement, and once more, with nil, after the last one.
    var progress: (String?) -> Void

    /// Measures every contender on every workload, `rounds` times, in turns.
    func run(_ workloads: [Workload], _ contenders: [Contender]) throws -> [WorkloadResult] {
        guard serverCPU != loadCPU, cload_cpu_count() >= 2 else { throw OneCPU() }
        guard cload_pin(Int32(loadCPU)) == 0 else { throw OneCPU() }
        cload_raise_descriptor_limit()
        defer { progress(nil) }
        var results: [WorkloadResult] = []
        for workload in workloads {
            var measured: [Round] = []
            for index in 1...rounds {
                measured.append(try run(workload, contenders, round: index))
            }
            results.append(WorkloadResult(workload: workload, rounds: measured))
        }
        return results
    }

    private func run(_ workload: Workload, _ contenders: [Contender], round: Int) throws -> Round {
        var result = Round(index: round)
        for contender in contenders {
            progress("\(workload.name), round \(round) of \(rounds): \(contender.name)")
            do {
                let server = try ServerProcess.start(contender, family: workload.family, cpu: serverCPU)
                let measurement = try generator.measure(
                    workload,
                    contender: contender.name,
                    round: round,
                    endpoint: server.endpoint,
                    processID: server.processID
                )
                try server.stop()
                result.measurements.append(measurement)
            } catch let failure as ServerProcess.Failure {
                result.failures.append("\(contender.name): \(failure)")
            }
        }
        return result
    }
}
