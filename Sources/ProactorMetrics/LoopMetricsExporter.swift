// Without the trait `Metrics` there is nothing in this module, and swift-metrics is not fetched.
#if Metrics
    public import CoreMetrics
    public import Proactor

    /// Tells swift-metrics what a loop does, time after time.
    ///
    /// It has the loop measured, and takes its `LoopMetrics` with each interval: who calls `takeMetrics()` besides takes some
    /// from it, while reading `metrics` takes nothing. It goes on until ``stop()``, or until the loop closes, whoever holds it.
    ///
    /// All names begin with the label:
    ///
    /// | name | what |
    /// |---|---|
    /// | `turns`, `callbacks`, `timers` | counters |
    /// | `completions` | a counter for each kind, with the dimension `kind` |
    /// | `poll.nanoseconds`, `callbacks.nanoseconds`, `submission.nanoseconds` | counters of what the loop's time went into |
    /// | `callback.longest`, `timer.lag` | timers: the longest of each interval |
    /// | `transports`, `tasks`, `ready`, `posted`, `timers.waiting`, `operations`, `buffers`, `buffers.bytes` | gauges |
    ///
    /// Thread rule: the loop's thread only.
    ///
    /// ```swift
    /// let exporter = try LoopMetricsExporter(of: loop, dimensions: [("loop", "0")])
    /// defer { exporter.stop() }
    /// try await server.serveForever()
    /// ```
    public final class LoopMetricsExporter {
        private let loop: any AbstractEventLoop
        private let interval: Duration
        private let instruments: Instruments
        private var timer: TimerHandle?
        private var isStopped = false

        /// Begins to measure the loop, and to export.
        ///
        /// - Parameters:
        ///   - loop: the loop.
        ///   - label: what all names begin with, before a dot.
        ///   - dimensions: what tells this loop from others.
        ///   - interval: how often; above zero.
        ///   - factory: where the numbers go; the process's, which `MetricsSystem` knows, unless given.
        /// - Throws: `EventLoopError` for an interval of zero or less, or a closed loop.
        public init(
            of loop: any AbstractEventLoop,
            label: String = "proactor.loop",
            dimensions: [(String, String)] = [],
            interval: Duration = .seconds(10),
            factory: (any MetricsFactory)? = nil
        ) throws {
            guard interval > .zero else {
                throw EventLoopError.invalidArgument(
                    "metrics are exported at intervals above zero, not \(interval)"
                )
            }
            self.loop = loop
            self.interval = interval
            instruments = Instruments(label, dimensions, factory ?? MetricsSystem.factory)
            try wait()
            loop.isMeasured = true
        }

        /// Exports what has been since the last time, now.
        public func export() {
            guard !isStopped, let metrics = loop.takeMetrics() else { return }
            instruments.record(metrics)
        }

        /// Exports the rest, and no more after that. The loop is not measured any more. Does nothing the second time.
        public func stop() {
            guard !isStopped else { return }
            export()
            isStopped = true
            timer?.cancel()
            timer = nil
            loop.isMeasured = false
            instruments.destroy()
        }

        private func wait() throws(EventLoopError) {
            timer = try loop.callLater(interval) {
                self.export()
                // A loop that closes drops it.
                if !self.isStopped { try self.wait() }
            }
        }
    }

    /// What is told, under which names.
    private struct Instruments {
        private let counters: [(Counter, (LoopMetrics) -> Int)]
        private let gauges: [(Gauge, (LoopMetrics) -> Int)]
        private let timers: [(Timer, (LoopMetrics) -> Duration)]

        init(_ label: String, _ dimensions: [(String, String)], _ factory: any MetricsFactory) {
            func counter(_ name: String, kind: String? = nil, _ value: @escaping (LoopMetrics) -> Int) -> (
                Counter, (LoopMetrics) -> Int
            ) {
                let dimensions = dimensions + (kind.map { [("kind", $0)] } ?? [])
                return (Counter(label: "\(label).\(name)", dimensions: dimensions, factory: factory), value)
            }
            func gauge(_ name: String, _ value: @escaping (LoopMetrics) -> Int) -> (
                Gauge, (LoopMetrics) -> Int
            ) {
                (Gauge(label: "\(label).\(name)", dimensions: dimensions, factory: factory), value)
            }
            func timer(_ name: String, _ value: @escaping (LoopMetrics) -> Duration) -> (
                Timer, (LoopMetrics) -> Duration
            ) {
                (Timer(label: "\(label).\(name)", dimensions: dimensions, factory: factory), value)
            }
            counters =
                [
                    counter("turns", \.turns),
                    counter("callbacks", \.callbacks),
                    counter("timers", \.timers),
                    counter("poll.nanoseconds") { $0.timeInPoll.wholeNanoseconds },
                    counter("callbacks.nanoseconds") { $0.timeInCallbacks.wholeNanoseconds },
                    counter("submission.nanoseconds") { $0.timeSubmitting.wholeNanoseconds },
                ]
                + Self.kinds.map { name, value in
                    counter("completions", kind: name) { value($0.completions) }
                }
            gauges = [
                gauge("transports", \.openTransports),
                gauge("tasks", \.unfinishedTasks),
                gauge("ready", \.readyCallbacks),
                gauge("posted", \.postedCallbacks),
                gauge("timers.waiting", \.waitingTimers),
                gauge("operations", \.operationsInFlight),
                gauge("buffers", \.buffersLent),
                gauge("buffers.bytes", \.bytesLent),
            ]
            timers = [timer("callback.longest", \.longestCallback), timer("timer.lag", \.longestTimerLag)]
        }

        private static var kinds: [(String, (CompletionCounts) -> Int)] {
            [
                ("accept", \.accepts), ("connect", \.connects), ("receive", \.receives), ("send", \.sends),
                ("datagram", \.datagrams), ("pipe-read", \.pipeReads), ("pipe-write", \.pipeWrites),
                ("readiness", \.readiness), ("file", \.files), ("child", \.children), ("close", \.closes),
            ]
        }

        func record(_ metrics: LoopMetrics) {
            for (counter, value) in counters { counter.increment(by: value(metrics)) }
            for (gauge, value) in gauges { gauge.record(value(metrics)) }
            for (timer, value) in timers { timer.recordNanoseconds(Int64(value(metrics).wholeNanoseconds)) }
        }

        func destroy() {
            for (counter, _) in counters { counter.destroy() }
            for (gauge, _) in gauges { gauge.destroy() }
            for (timer, _) in timers { timer.destroy() }
        }
    }

    extension Duration {
        fileprivate var wholeNanoseconds: Int {
            Int(components.seconds) * 1_000_000_000 + Int(components.attoseconds / 1_000_000_000)
        }
    }
#endif
