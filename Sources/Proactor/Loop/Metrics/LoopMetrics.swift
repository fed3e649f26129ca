/// What a loop has done since it is measured, and what it has at the moment: see ``AbstractEventLoop/metrics``.
///
/// The times of ``timeInPoll``, ``timeInCallbacks`` and ``timeSubmitting`` make up the time that the loop has run. A loop whose
/// ``timeInPoll`` is next to nothing is at its limit; one with a long ``longestCallback`` holds all of its connections up for so
/// long.
///
/// It is a value, and any thread's.
///
/// ```swift
/// loop.isMeasured = true
/// // later, on the loop's thread:
/// if let metrics = loop.metrics, metrics.longestCallback > .milliseconds(50) {
///     print("something holds the loop up: \(metrics)")
/// }
/// ```
public struct LoopMetrics: Hashable, Sendable {
    // MARK: What it has done

    /// Turns of the loop: each submits, waits if there is nothing to do, and runs what is ready.
    public internal(set) var turns = 0
    /// Callbacks, timers and steps of tasks that were run. What completions bring about by themselves, such as `dataReceived`, is in
    /// ``completions``.
    public internal(set) var callbacks = 0
    /// Timers among them.
    public internal(set) var timers = 0
    /// What operations have brought.
    public internal(set) var completions = CompletionCounts()

    // MARK: What its time went into

    /// How long it has been measured, also while it did not run.
    public internal(set) var measuredTime = Duration.zero
    /// Waiting for the kernel, and fetching what it has: idle, mostly.
    public internal(set) var timeInPoll = Duration.zero
    /// In callbacks, protocols and tasks, and what the library does for them.
    public internal(set) var timeInCallbacks = Duration.zero
    /// Handing over to the kernel what was written and what shall be received: there the kernel sends, for the most part. It is
    /// measured in one turn of seventeen, and scaled. What is sent at once within a callback is in ``timeInCallbacks``.
    public internal(set) var timeSubmitting = Duration.zero
    /// The longest time that one callback, call of a protocol or step of a task took, with some microseconds of the library's own at
    /// most. Nothing else of the loop ran meanwhile.
    public internal(set) var longestCallback = Duration.zero
    /// By how much the latest timer was late: from its deadline to its callback.
    public internal(set) var longestTimerLag = Duration.zero

    // MARK: What it has now

    /// Transports that are not closed: connections, pipes, endpoints of datagrams.
    public internal(set) var openTransports = 0
    /// Tasks of the loop that are not done.
    public internal(set) var unfinishedTasks = 0
    /// Callbacks and steps of tasks that run in the next turn.
    public internal(set) var readyCallbacks = 0
    /// What other threads have posted and the loop has not taken yet.
    public internal(set) var postedCallbacks = 0
    /// Timers that are not due.
    public internal(set) var waitingTimers = 0
    /// Operations that the kernel has, or that wait to be handed to it: an idle connection has one.
    public internal(set) var operationsInFlight = 0
    /// Buffers of the loop's pool that hold what was written and not sent, or received and not read.
    public internal(set) var buffersLent = 0
    /// Their bytes.
    public internal(set) var bytesLent = 0

    /// Nothing done yet.
    public init() {}
}

extension LoopMetrics: CustomStringConvertible {
    public var description: String {
        """
        \(turns) turns, \(callbacks) callbacks, \(completions.total) completions in \(measuredTime); \
        poll \(timeInPoll), callbacks \(timeInCallbacks), submission \(timeSubmitting); \
        longest callback \(longestCallback), timer lag \(longestTimerLag); \
        \(openTransports) transports, \(unfinishedTasks) tasks, \(readyCallbacks + postedCallbacks) queued, \
        \(waitingTimers) timers, \(operationsInFlight) operations, \(buffersLent) buffers of \(bytesLent) bytes
        """
    }
}
