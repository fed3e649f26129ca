/// How a loop's io_uring is set up. The defaults suit a server; each feature that a kernel may lack can be switched off.
///
/// ```swift
/// var configuration = RingConfiguration()
/// configuration.completionQueueSize = 16_384
/// configuration.multishotReceive = false
/// ```
///
/// What the kernel does not offer is left out without an error: ``RingFeatures`` says what a ring really uses.
///
/// Since Linux 6.14 the two queues and the lists of receive buffers count as locked memory, in pages, and all of a user's
/// processes share one limit (`RLIMIT_MEMLOCK`). The defaults take 16 KiB, 4 KiB more with the first datagram endpoint, and 4 KiB
/// more with the first `sockRecv` from a stream.
/// Queues that have grown to the default limits take 136 KiB. Where the limit leaves no room for what is asked for, the queues
/// are made as small as they can be, which is 8 KiB.
public struct RingConfiguration: Hashable, Sendable {
    /// Entries that the submission queue has when the ring is made; the kernel rounds up to a power of two. Each takes 64 bytes.
    ///
    /// A turn that submits more is handed to the kernel in several calls.
    public var submissionQueueSize = 64
    /// Entries that the completion queue has when the ring is made, at least those of the submission queue. Each takes 16 bytes.
    ///
    /// When it overflows, nothing is lost, but every multishot operation that meets it has to be armed again.
    public var completionQueueSize = 256
    /// The queues grow when they have been too small again and again (kernel 6.13, and only where that is free of a fault that
    /// kernels had until 2026). A step takes the kernel some milliseconds, and there are few. A kernel that cannot do it and does
    /// not count queues as locked memory, as before 6.13, makes them as large as they may become.
    public var growingQueues = true
    /// Entries up to which the submission queue grows; no more than it has at first means that it does not.
    public var submissionQueueLimit = 1024
    /// Entries up to which the completion queue grows; no more than it has at first means that it does not.
    public var completionQueueLimit = 4096
    /// How many completions one turn of the loop handles before other work gets its share.
    public var completionsPerTurn = 256
    /// Receive buffers when they are consumed whole, one for each receive; a power of two, at most 32,768.
    ///
    /// The kernel has a sixteenth of them at first, and twice as many each time when they were too few, so that a loop with little to
    /// receive uses little memory. So it is with the receive buffers of every kind.
    public var bufferCount = 256
    /// Bytes in each of ``bufferCount``.
    public var bufferSize = 8 * 1024
    /// Receive buffers when they are consumed piece by piece (``incrementalBuffers``); a power of two, at most 32,768.
    ///
    /// `sockRecv` then has whole buffers of its own, four times as many. They are made with the first such call, and their
    /// memory is used only as far as data fills it.
    public var incrementalBufferCount = 32
    /// Bytes in each of ``incrementalBufferCount``.
    public var incrementalBufferSize = 64 * 1024
    /// Receive buffers that all datagram sockets share, one for each datagram that the loop has not looked at yet; a power of
    /// two, at most 32,768. They are made with the loop's first datagram endpoint, and their memory is used only as far as
    /// datagrams fill it.
    public var datagramBufferCount = 64
    /// The largest datagram that is received, in bytes: UDP has none above 65,527. A larger one, of a Unix socket, is dropped and
    /// reported to the protocol.
    public var datagramSize = 256 * 1024
    /// The most threads that the kernel may start for the ring's work that would block, of each of its two kinds.
    public var workerLimit = 8
    /// One submission accepts connections until it is cancelled.
    public var multishotAccept = true
    /// Accepts do not wait within the kernel, and nothing that does holds a listener: the address of a process that was killed
    /// is free at once, and not some 10 ms later (kernel 6.11).
    public var waitFreeAccept = true
    /// One submission receives until it is cancelled.
    public var multishotReceive = true
    /// One submission receives from a Unix socket until it is cancelled; only with ``multishotReceive``. The loop leaves it on
    /// its own where the kernel then forgets an end of stream that comes with the last bytes (6.17 and some 6.18).
    public var multishotUnixReceive = true
    /// The kernel ends a connection's receive when that has had its share of a turn; only with ``multishotReceive`` (kernel 6.17).
    /// Without it the loop cancels the receive, and gets what the kernel has handed over until then.
    public var countedReceive = true
    /// One submission reads a pipe until it is cancelled (kernel 6.7).
    public var multishotRead = true
    /// Writes to pipes are told to raise no SIGPIPE (kernel 6.18). Without it the loop blocks the signal while the kernel
    /// may try one.
    public var quietWrites = true
    /// The ring itself waits for the ends of child processes, which need no descriptor then (kernel 6.7). Without it each has a
    /// pidfd that is polled.
    public var childWaits = true
    /// Receives take only what they need of a buffer and leave the rest to the next (kernel 6.12).
    public var incrementalBuffers = true
    /// Other threads wake the loop by a message to its ring rather than by an eventfd (kernel 6.13).
    public var messageWakeUp = true
    /// An idle loop does not count as waiting for a disk in the processor statistics (kernel 6.15).
    public var noIOWait = true

    /// The defaults.
    public init() {}
}

extension RingConfiguration {
    /// Throws ``RingUnavailable/invalidConfiguration(_:)`` for what no ring can give.
    func validate() throws(RingUnavailable) {
        try require(submissionQueueSize, in: 1...32_768, name: "submissionQueueSize")
        try require(completionQueueSize, in: 2...65_536, name: "completionQueueSize")
        try require(submissionQueueLimit, in: 1...32_768, name: "submissionQueueLimit")
        try require(completionQueueLimit, in: 2...65_536, name: "completionQueueLimit")
        try require(completionsPerTurn, in: 1...65_536, name: "completionsPerTurn")
        try require(workerLimit, in: 1...65_536, name: "workerLimit")
        try require(bufferCount, in: 1...32_768, name: "bufferCount")
        try require(incrementalBufferCount, in: 1...32_768, name: "incrementalBufferCount")
        try require(bufferSize, in: 1...(1 << 30), name: "bufferSize")
        try require(incrementalBufferSize, in: 1...(1 << 30), name: "incrementalBufferSize")
        try require(datagramBufferCount, in: 1...32_768, name: "datagramBufferCount")
        try require(datagramSize, in: 1...(1 << 30), name: "datagramSize")
        guard completionQueueSize >= submissionQueueSize else {
            throw .invalidConfiguration("completionQueueSize is below submissionQueueSize")
        }
        guard completionQueueLimit >= submissionQueueLimit else {
            throw .invalidConfiguration("completionQueueLimit is below submissionQueueLimit")
        }
        let counts = [bufferCount, incrementalBufferCount, datagramBufferCount]
        guard counts.allSatisfy({ $0.nonzeroBitCount == 1 }) else {
            throw .invalidConfiguration("a count of buffers is not a power of two")
        }
    }

    private func require(_ value: Int, in range: ClosedRange<Int>, name: String) throws(RingUnavailable) {
        guard range.contains(value) else {
            throw .invalidConfiguration("\(name) is \(value), not within \(range)")
        }
    }
}
