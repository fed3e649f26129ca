/// How a ``Runner`` makes its loop.
///
/// ```swift
/// try run(options: RunnerOptions(debug: true)) { print("slow callbacks are logged") }
/// ```
public struct RunnerOptions {
    /// The loop's debug mode; `nil` leaves it as the environment says.
    public var debug: Bool?
    /// Makes the loop; `nil` asks the policy, by ``newEventLoop()``.
    public var loopFactory: (() throws -> any AbstractEventLoop)?

    /// Options; the defaults suit nearly every program.
    public init(debug: Bool? = nil, loopFactory: (() throws -> any AbstractEventLoop)? = nil) {
        self.debug = debug
        self.loopFactory = loopFactory
    }
}
