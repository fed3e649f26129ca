import CLoad

/// Lets contenders take turns at workloads.
struct Runner {
    var rounds: Int
    var cpus: CPUPair
    var generator: LoadGenerator
    var progress: Progress
    /// How long a server may take until it listens.
    var startSeconds = ServerProcess.startSecondsMax

    /// Measures every contender on every workload, `rounds` times, in turns. When a signal comes that is caught
    /// (`cload_catch_interrupts`), what was measured until then is the result.
    ///
    /// - Parameter finished: called with what is there so far, after each workload.
    func run(_ plan: Plan, finished: ([WorkloadResult]) throws -> Void = { _ in }) throws -> [WorkloadResult]
    {
        let allowed = CPUPair.allowedCPUs.map { Int32($0) }
        let problem = cload_pin(Int32(cpus.load))
        guard problem == 0 else {
            throw CPUPair.Refusal(cause: "the load cannot be pinned to CPU \(cpus.load)")
        }
        // What comes after it may need more than one CPU.
        defer { cload_allow(allowed, Int32(allowed.count)) }
        cload_raise_descriptor_limit()
        defer { progress.end() }
        var results: [WorkloadResult] = []
        for entry in plan.entries {
            var measured: [Round] = []
            for index in 1...rounds where !cload_was_interrupted() {
                let round = run(entry, round: index)
                if !round.measurements.isEmpty || !round.failures.isEmpty { measured.append(round) }
            }
            guard !measured.isEmpty else { break }
            results.append(WorkloadResult(workload: entry.workload, rounds: measured))
            try finished(results)
        }
        return results
    }

    private func run(_ entry: Plan.Entry, round: Int) -> Round {
        var result = Round(index: round)
        for contender in entry.contenders where !cload_was_interrupted() {
            progress.begin("\(entry.workload.name), round \(round) of \(rounds)", contender.name)
            let outcome = Result(catching: { () throws(any Error) -> Measurement in
                try measure(contender, entry.workload, round)
            })
            // What was cut short is neither a measurement nor a failure.
            guard !cload_was_interrupted() else { break }
            switch outcome {
            case .success(let measurement): result.measurements.append(measurement)
            case .failure(let problem): result.failures.append("\(contender.name): \(problem)")
            }
        }
        return result
    }

    private func measure(_ contender: Contender, _ workload: Workload, _ round: Int) throws -> Measurement {
        let server = try ServerProcess.start(
            contender,
            for: workload,
            cpu: cpus.server,
            within: startSeconds,
            certificate: generator.certificate
        )
        let (endpoint, processID, upstream) = (server.endpoint, server.processID, server.upstream)
        // A load that cannot start must not leave the server behind.
        let outcome = Result {
            try generator.measure(
                workload,
                contender: contender.name,
                round: round,
                endpoint: endpoint,
                processID: processID,
                upstream: upstream
            )
        }
        try server.stop()
        return try outcome.get()
    }
}
