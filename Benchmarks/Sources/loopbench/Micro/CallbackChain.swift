import Proactor

/// A callback that schedules itself again, with `burst` - 1 others in between, until `left` have run.
final class CallbackChain {
    private let loop: BaseEventLoop
    private let burst: Int
    // Exclusivity: no step is taken within another.
    @exclusivity(unchecked) private var left: Int
    /// Made once: a closure for each call would be measured with it.
    @exclusivity(unchecked) private var step: () throws -> Void
    private let nothing: () throws -> Void = {}

    init(on loop: BaseEventLoop, count: Int, burst: Int) {
        self.loop = loop
        self.burst = burst
        left = count
        step = nothing
        step = { try self.advance() }
    }

    /// Runs the loop until the last callback.
    func run() throws {
        try loop.callSoon(step)
        try loop.runForever()
        // It holds the chain.
        step = nothing
    }

    private func advance() throws {
        left -= burst
        guard left > 0 else { return loop.stop() }
        var filler = burst - 1
        while filler > 0 {
            try loop.callSoon(nothing)
            filler -= 1
        }
        try loop.callSoon(step)
    }
}
