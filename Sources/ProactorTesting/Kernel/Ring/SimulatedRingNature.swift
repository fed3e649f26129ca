import Proactor

/// What a simulated ring can do, and how it does what kernels do in several ways.
struct SimulatedRingNature {
    let features: RingFeatures
    /// How many completions a turn handles.
    var completionsPerTurn = 256
    /// What a turn brings; `nil` for what the loop learns.
    var budget: TurnBudget?
    /// Whether single receives can have buffers of their own.
    var hasSingleBuffers = true
    /// Whether a connect ends with EINPROGRESS in place of waiting.
    var connectReturnsEarly = false
    /// What becomes of the buffer when a receive ends without bytes.
    var emptyBuffer = EmptyBuffer.unnamed

    enum EmptyBuffer {
        /// It stays with the kernel, and the completion does not name it.
        case unnamed
        /// It stays, and the completion names it.
        case named
        /// The completion names it and hands it over; one that is consumed piece by piece stays.
        case handedOver
    }

    /// Everything that a new kernel has, and queues and buffers that are small enough for many rings; where the simulation may have
    /// older ones, less of that.
    init(_ choices: Choices) {
        func lacks() -> Bool { choices.happens(.olderKernel) }
        func pick(_ values: [Int]) -> Int {
            values[Int(choices.amount(of: .olderKernel, within: 0...Int64(values.count - 1)))]
        }
        let isIncremental = !lacks()
        var (bufferCount, bufferSize) = isIncremental ? (16, 16 * 1024) : (32, 8 * 1024)
        if lacks() { (bufferCount, bufferSize) = (pick([1, 2, 4]), pick([512, 1_024, 4_096])) }
        let multishotReceive = !lacks()
        features = RingFeatures(
            submissionQueueSize: lacks() ? pick([1, 2, 4]) : 64,
            completionQueueSize: lacks() ? pick([4, 8, 16]) : 256,
            growingQueues: false,
            bufferCount: bufferCount,
            bufferSize: bufferSize,
            multishotAccept: !lacks(),
            waitFreeAccept: !lacks(),
            multishotReceive: multishotReceive,
            multishotUnixReceive: multishotReceive && !lacks(),
            countedReceive: multishotReceive && !lacks(),
            multishotRead: !lacks(),
            quietWrites: true,
            childWaits: !lacks(),
            incrementalBuffers: isIncremental,
            messageWakeUp: !lacks(),
            noIOWait: true
        )
        if lacks() { completionsPerTurn = pick([2, 5]) }
        if lacks() { budget = TurnBudget(bytes: pick([2_048, 32_768]), share: pick([512, 4_096])) }
        hasSingleBuffers = !lacks()
        connectReturnsEarly = lacks()
        if lacks() { emptyBuffer = pick([0, 1]) == 0 ? .named : .handedOver }
    }
}
