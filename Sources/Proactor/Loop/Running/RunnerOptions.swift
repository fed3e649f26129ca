/// How a ``Runner`` makes its loop, and which signals end its program.
///
/// ```swift
/// try run(options: RunnerOptions(debug: true, signals: [.interrupt, .terminate])) {
///     print("slow callbacks are logged, and SIGTERM lets the program clean up")
/// }
/// ```
public struct RunnerOptions {
    /// The loop's debug mode; `nil` leaves it as the environment says.
    public var debug: Bool?
    /// The signals that end the program: while a body runs, the first of them cancels the task that it runs in, and the second, of
    /// whichever kind, ends the program at once, also when the loop is busy. A body that then throws its `CancellationError` ends
    /// the program as the signal does, so that a shell sees the usual status, after the loop was closed; see ``Runner/run(_:)``.
    ///
    /// `nil` is SIGINT on the process's first thread, unless the process ignores it, and none on other threads: as asyncio's
    /// runner. What is named here is taken on any thread, and also when it is ignored. A handler that the program adds for one of
    /// them while the body runs, by ``ProcessEventLoop/addSignalHandler(_:_:)``, takes its place.
    public var signals: [Signal]?
    /// Makes the loop; `nil` asks the policy, by ``newEventLoop()``.
    public var loopFactory: (() throws -> any AbstractEventLoop)?

    /// Options; the defaults suit nearly every program.
    public init(
        debug: Bool? = nil,
        signals: [Signal]? = nil,
        loopFactory: (() throws -> any AbstractEventLoop)? = nil
    ) {
        self.debug = debug
        self.signals = signals
        self.loopFactory = loopFactory
    }
}
