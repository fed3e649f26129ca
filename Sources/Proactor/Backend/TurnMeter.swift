/// What a loop and its backend do, counted and timed: what ``LoopMetrics`` is read from. A loop that nobody measures has none.
///
/// A look at the clock costs some 20 ns. So there are two in a turn, and one for each callback, at its end: it began, but for what the
/// library does in between, when the one before had ended. What takes of a turn how long is exact but for the submission, which is
/// told apart in one turn of some (``samplingInterval``): on a ring it would be a system call of its own in each.
///
/// Thread rule: the loop's thread only.
package final class TurnMeter {
    /// Odd and prime: turns often alternate between what they do.
    private static let samplingInterval = 17

    private let system: any SystemCalls
    // Exclusivity: no method calls out while it changes these.
    @exclusivity(unchecked) private(set) var turns = 0
    /// Callbacks, timers and steps of tasks that the loop has run.
    @exclusivity(unchecked) private(set) var callbacks = 0
    @exclusivity(unchecked) private(set) var timers = 0
    /// Completions that owners were told of, by the kind's number.
    private let completions: UnsafeMutablePointer<Int>
    // In nanoseconds.
    @exclusivity(unchecked) private(set) var longestCallback: Int64 = 0
    @exclusivity(unchecked) private(set) var longestLag: Int64 = 0
    /// When counting began.
    @exclusivity(unchecked) private var start: Int64
    @exclusivity(unchecked) private var polling: Int64 = 0
    /// From the end of one poll to the beginning of the next.
    @exclusivity(unchecked) private var betweenPolls: Int64 = 0
    /// Of the two above, what has been told apart as submission in turns that are samples.
    @exclusivity(unchecked) private var submissionInPolls: Int64 = 0
    @exclusivity(unchecked) private var submissionBetweenPolls: Int64 = 0
    @exclusivity(unchecked) private var samples = 0

    /// When the last poll began; zero outside of one.
    @exclusivity(unchecked) private var pollStart: Int64 = 0
    @exclusivity(unchecked) private var pollEnd: Int64
    /// When the last callback ended; zero where that does not say when the next one begins.
    @exclusivity(unchecked) private var mark: Int64
    @exclusivity(unchecked) private var flushStart: Int64 = 0
    @exclusivity(unchecked) private var isSample = false
    @exclusivity(unchecked) private var isTellingSend = false

    private static let kindCount = Int(UInt8.max) + 1

    init(system: any SystemCalls) {
        self.system = system
        completions = .allocate(capacity: Self.kindCount)
        completions.initialize(repeating: 0, count: Self.kindCount)
        start = system.now().nanoseconds
        pollEnd = start
        mark = start
    }

    deinit {
        completions.deallocate()
    }

    /// Begins to count anew, amid a turn or between two runs.
    func reset() {
        (turns, callbacks, timers, samples) = (0, 0, 0, 0)
        completions.update(repeating: 0, count: Self.kindCount)
        (longestCallback, longestLag) = (0, 0)
        (polling, betweenPolls, submissionInPolls, submissionBetweenPolls) = (0, 0, 0, 0)
        start = now()
        pollEnd = start
        mark = start
        isSample = false
    }

    @inline(__always)
    private func now() -> Int64 { system.now().nanoseconds }

    // MARK: - A turn

    func turnBegins() {
        isSample = turns % Self.samplingInterval == 0
        turns += 1
        mark = 0
        if isSample {
            samples += 1
            flushStart = now()
        }
    }

    func pollBegins(at instant: Int64) {
        betweenPolls += instant - pollEnd
        if isSample { submissionBetweenPolls += instant - flushStart }
        pollStart = instant
    }

    /// For a backend whose poll submits and waits by one call: whether to submit by a call of its own this time, within
    /// ``timeSubmission(_:)``.
    var splitsSubmission: Bool { isSample }

    func timeSubmission(_ submit: () -> Void) {
        let begin = now()
        submit()
        submissionInPolls += now() - begin
    }

    func pollEnded(at instant: Int64) {
        polling += instant - pollStart
        pollStart = 0
        pollEnd = instant
        mark = instant
    }

    /// The loop's thread has done something else than to run the loop.
    func runBegins() {
        pollEnd = now()
        mark = 0
    }

    func runEnds() {
        betweenPolls += now() - pollEnd
        mark = 0
    }

    // MARK: - Callbacks

    /// A callback, timer or step of a task runs next.
    func callbackBegins() {
        callbacks += 1
        markUnlessMarked()
    }

    func callbackEnds() { noteCallback() }

    /// Runs a step of a task by `body`, within the telling of a completion.
    func stepWithin(_ body: () -> Void) {
        callbacks += 1
        withinSend(body)
    }

    @inline(__always)
    private func markUnlessMarked() {
        if mark == 0 { mark = now() }
    }

    @inline(__always)
    private func noteCallback() {
        let instant = now()
        longestCallback = max(longestCallback, instant - mark)
        mark = instant
    }

    /// Timers run next, so many of them, and the first was due then.
    func timersBegin(_ count: Int, firstDue: Int64) {
        timers += count
        markUnlessMarked()
        longestLag = max(longestLag, mark - firstDue)
    }

    // MARK: - Completions

    /// A send went out that would have been an operation of a ring.
    func sentWithoutOperation() {
        completions[Int(OperationKind.sendNow.rawValue)] += 1
    }

    /// Tells an owner of a completion, and counts and times that. The operation is retained by somebody else meanwhile. Where the
    /// kernel has just taken what was written, that is counted only: it is every other completion of an echo, and seldom more than
    /// book-keeping. What it leads to then says so itself, by ``withinSend(_:)``.
    ///
    /// Not inlined, so that backends are no larger for it where nobody measures.
    @inline(never)
    package func tell(_ owner: Unmanaged<CompletionOwner>?, _ completion: Completion) {
        completions[Int(completion.token.rawValue >> 56)] += 1
        if completion.result >= 0, completion.token.takesBytes {
            isTellingSend = true
            owner?._withUnsafeGuaranteedRef { $0.operationCompleted(completion) }
            isTellingSend = false
            mark = 0
        } else {
            markUnlessMarked()
            owner?._withUnsafeGuaranteedRef { $0.operationCompleted(completion) }
            noteCallback()
        }
    }

    /// Times what is the program's in the telling of a send. Everywhere else it is timed with what it is a part of.
    func withinSend(_ body: () -> Void) {
        guard isTellingSend else { return body() }
        markUnlessMarked()
        body()
        noteCallback()
    }

    func completionCount(of kind: OperationKind) -> Int { completions[Int(kind.rawValue)] }

    // MARK: - Reading

    /// What the time since the beginning went into, in nanoseconds, amid a turn too. What is left of it was not spent in the loop.
    struct Times {
        var all: Int64
        var polls: Int64
        var callbacks: Int64
        var submission: Int64
    }

    func times(isRunning: Bool) -> Times {
        let instant = now()
        let callbacks = betweenPolls + (isRunning ? instant - pollEnd : 0)
        let scale = { [turns, samples] (sampled: Int64) in
            samples == 0 ? 0 : Int64(Double(sampled) * Double(turns) / Double(samples))
        }
        // An estimate may be too much for what it is a part of.
        let inPolls = min(scale(submissionInPolls), polling)
        let between = min(scale(submissionBetweenPolls), callbacks)
        return Times(
            all: instant - start,
            polls: polling - inPolls,
            callbacks: callbacks - between,
            submission: inPolls + between
        )
    }
}
