import CPosix
import Proactor

extension Simulation {
    /// Runs a scenario under many seeds, on all processors, and says how the first of them that fails does.
    ///
    /// What has failed is run again with less and less left to chance, as long as it still fails: kinds of faults are switched
    /// off, and the number of faults is bounded. The error shows that shortest schedule, with the last of what happened in it.
    ///
    /// ```swift
    /// try Simulation.explore(seeds: 0..<10_000) { simulation in
    ///     let host = try simulation.host("server")
    ///     …
    ///     try simulation.finish()
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - seeds: the seeds to run.
    ///   - faults: what may happen.
    ///   - faces: which backends the loops look like; each seed has one of them.
    ///   - processors: how many threads run scenarios; `nil` is one for each processor.
    ///   - stepsMax: how many turns the loops of one run may take in all.
    ///   - scenario: what to run. It throws when it fails. It is called on several threads, each with a simulation of its own.
    /// - Throws: ``ExplorationFailure``.
    public static func explore(
        seeds: Range<UInt64>,
        faults: SimulationFaults = .all,
        faces: [SimulatedFace] = SimulatedFace.allCases,
        processors: Int? = nil,
        stepsMax: Int = 10_000_000,
        scenario: @escaping @Sendable (Simulation) throws -> Void
    ) throws(ExplorationFailure) {
        precondition(!faces.isEmpty, "a simulated loop has a face")
        let explorer = Explorer(faults: faults, faces: faces, stepsMax: stepsMax, scenario: scenario)
        guard let seed = explorer.firstFailing(of: seeds, threads: processors ?? explorer.processorCount)
        else {
            return
        }
        throw explorer.shrink(seed)
    }
}

/// Runs one scenario under seeds.
struct Explorer: Sendable {
    let faults: SimulationFaults
    let faces: [SimulatedFace]
    let stepsMax: Int
    let scenario: @Sendable (Simulation) throws -> Void

    /// What is shared by the threads.
    private struct Progress {
        var next: UInt64
        var failed: UInt64?
        var running: Int
    }

    /// Seeds that a thread takes at once.
    private static let batch: UInt64 = 16
    /// How long to wait for the other threads at a time.
    private static let patience = Duration.seconds(3600)

    var processorCount: Int { ProcessorCount.online }

    func face(of seed: UInt64) -> SimulatedFace { faces[Int(seed % UInt64(faces.count))] }

    // MARK: - Looking for one that fails

    /// The least seed that was found to fail, once all are done or one has failed.
    func firstFailing(of seeds: Range<UInt64>, threads: Int) -> UInt64? {
        let helpers = max(threads, 1) - 1
        let progress = ConditionLock(Progress(next: seeds.lowerBound, failed: nil, running: 1))
        for _ in 0..<helpers where UInt64(seeds.count) > Self.batch {
            progress.withLock { $0.running += 1 }
            do {
                try SystemThread.start(name: "simulation") { work(progress, seeds.upperBound) }
            } catch {
                // Fewer threads do the same.
                progress.withLock { $0.running -= 1 }
            }
        }
        work(progress, seeds.upperBound)
        while progress.waitFor(timeout: Self.patience, { $0.running == 0 ? true : nil }) == nil {}
        return progress.withLock { $0.failed }
    }

    private func work(_ progress: ConditionLock<Progress>, _ end: UInt64) {
        while let first = take(progress, end) {
            for seed in first..<min(first + Self.batch, end) {
                // Should the program crash, its backtrace says under which seed.
                _ = cposix_set_thread_name("seed \(seed)")
                guard run(Schedule(seed, faults)) != nil else { continue }
                progress.withLock { $0.failed = min($0.failed ?? seed, seed) }
                break
            }
        }
        _ = cposix_set_thread_name("explored")
        progress.withLock { $0.running -= 1 }
        progress.wakeAll()
    }

    private func take(_ progress: ConditionLock<Progress>, _ end: UInt64) -> UInt64? {
        progress.withLock { progress in
            guard progress.failed == nil, progress.next < end else { return nil }
            defer { progress.next += Self.batch }
            return progress.next
        }
    }

    // MARK: - One run

    /// What a run is determined by.
    struct Schedule {
        var seed: UInt64
        var faults: SimulationFaults
        var range = 0..<Int.max

        init(_ seed: UInt64, _ faults: SimulationFaults) {
            self.seed = seed
            self.faults = faults
        }
    }

    struct Failure {
        let error: String
        let trace: SimulationTrace
        let faultCount: Int
    }

    /// Runs the scenario once. `nil` when it is content.
    func run(_ schedule: Schedule) -> Failure? {
        let simulation = Simulation(
            seed: schedule.seed,
            faults: schedule.faults,
            face: face(of: schedule.seed),
            faultRange: schedule.range,
            stepsMax: stepsMax
        )
        do {
            try scenario(simulation)
            return nil
        } catch {
            return Failure(error: "\(error)", trace: simulation.trace, faultCount: simulation.faultCount)
        }
    }

    // MARK: - Making it shorter

    /// Leaves as little as possible to chance, as long as it still fails.
    func shrink(_ seed: UInt64) -> ExplorationFailure {
        var schedule = Schedule(seed, faults)
        guard var failure = run(schedule) else {
            return ExplorationFailure(seed: seed, face: face(of: seed), notReproduced: faults)
        }
        for kind in faults.kinds {
            var simpler = schedule
            simpler.faults = schedule.faults.without(kind)
            if let shorter = run(simpler) { (schedule, failure) = (simpler, shorter) }
        }
        schedule.range = 0..<failure.faultCount
        // First without the last faults, then without the first ones.
        narrow(&schedule, &failure, 0, failure.faultCount) { 0..<$0 }
        let end = schedule.range.upperBound
        narrow(&schedule, &failure, 0, end) { end - $0..<end }
        return ExplorationFailure(schedule, face: face(of: seed), failure)
    }

    /// Looks for the least number for which it still fails.
    private func narrow(
        _ schedule: inout Schedule,
        _ failure: inout Failure,
        _ first: Int,
        _ last: Int,
        _ range: (Int) -> Range<Int>
    ) {
        var (least, most) = (first, last)
        while least < most {
            let middle = (least + most) / 2
            var simpler = schedule
            simpler.range = range(middle)
            if let shorter = run(simpler) {
                (schedule, failure) = (simpler, shorter)
                most = middle
            } else {
                least = middle + 1
            }
        }
    }
}
