import CLoad

/// Lets contenders take turns at workloads.
struct Runner {
    var rounds: Int
    var cpus: CPUPair
    var generator: LoadGenerator
    var progress: Progress
    /// How long a server may take until it listens.
    var startSeconds = ServerProcess.startSecondsMax

    /// Measures every contender on every workload, `rounds` times, in turns.
    ///
    /// - Parameter finished: called with what is there so far, after each workload.
    func run(_ plan: Plan, finished: ([WorkloadResult]) throws -> Void = { _ in }) throws -> [WorkloadResult]
    {
        let problem = cload_pin(Int32(cpus.load))
        guard problem == 0 else {
            throw CPUPair.Refusal(cause: "the load cannot be pinned to CPU \(cpus.load)")
        }
        cload_raise_descriptor_limit()
        defer { progress.end() }
        var results: [WorkloadResult] = []
        for entry in plan.entries {
            var measured: [Round] = []
            for index in 1...rounds {
                measured.append(try run(entry, round: index))
            }
            results.append(WorkloadResult(workload: entry.workload, rounds: measured))
            try finished(results)
        }
        return results
    }

    private func run(_ entry: Plan.Entry, round: Int) throws -> Round {
        var result = Round(index: round)
        for contender in entry.contenders {
            progress.begin("\(entry.workload.name), round \(round) of \(rounds)", contender.name)
            do {
                result.measurements.append(try measure(contender, entry.workload, round))
            } catch let failure as ServerProcess.Failure {
                result.failures.append("\(contender.name): \(failure)")
            } catch let problem as WrkLoad.Problem {
                result.failures.append("\(contender.name): \(problem)")
            }
        }
        return result
    }

    private func measure(_ contender: Contender, _ workload: Workload, _ round: Int) throws -> Measurement {
        let server = try ServerProcess.start(contender, for: workload, cpu: cpus.server, within: startSeconds)
        let (endpoint, processID) = (server.endpoint, server.processID)
        // A load that cannot start must not leave the server behind.
        let outcome = Result {
            try generator.measure(
                workload,
                contender: contender.name,
                round: round,
                endpoint: endpoint,
                processID: processID
            )
        }
        try server.stop()
        return try outcome.get()
    }
}
