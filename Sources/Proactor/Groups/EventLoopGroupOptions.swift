/// How many loops an ``EventLoopGroup`` has, of which kind, and on which threads.
///
/// ```swift
/// var options = EventLoopGroupOptions(loopCount: 4, name: "http")
/// options.pinning = .onePerProcessor
/// options.makeLoop = { _ in try SelectorEventLoop(selector: .epoll) }
/// let group = try EventLoopGroup(options)
/// ```
public struct EventLoopGroupOptions: Sendable {
    /// How many loops there are, each on a thread of its own; one or more.
    public var loopCount: Int
    /// What the threads are called, before their number; the kernel keeps 15 bytes, the number included.
    public var name: String
    /// Which processors the threads run on.
    public var pinning = ThreadPinning.none
    /// The loops' debug mode; `nil` leaves it as the environment says.
    public var debug: Bool?
    /// Makes the loop with the given number, from 0 on. Called on the loop's own thread, and must make a new loop each
    /// time. Unless set it asks the policy, by ``newEventLoop()``.
    public var makeLoop: @Sendable (_ index: Int) throws -> any AbstractEventLoop = { _ in try newEventLoop()
    }

    /// Options with everything else as usual; without a count, a loop for each processor that the process may use.
    public init(loopCount: Int? = nil, name: String = "loop") {
        self.loopCount = loopCount ?? ProcessorAffinity.allowed.count
        self.name = name
    }
}
