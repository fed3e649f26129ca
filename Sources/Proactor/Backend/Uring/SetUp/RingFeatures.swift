/// What a running ring uses of what the kernel offers and ``RingConfiguration`` allows.
///
/// ```swift
/// if !features.incrementalBuffers { print("large messages cost more on this kernel") }
/// ```
public struct RingFeatures: Hashable, Sendable {
    /// Entries that the submission queue was made with.
    public let submissionQueueSize: Int
    /// Entries that the completion queue was made with.
    public let completionQueueSize: Int
    /// Whether the kernel can make the queues larger when they prove too small. It is asked for that only then, and may
    /// refuse: then the loop goes on with what it has.
    public let growingQueues: Bool
    /// How many receive buffers all connections share.
    public let bufferCount: Int
    /// Bytes in each of them.
    public let bufferSize: Int
    /// Whether one submission accepts connections until it is cancelled.
    public let multishotAccept: Bool
    /// Whether accepts do not wait within the kernel, so that nothing holds a listener whose process was killed.
    public let waitFreeAccept: Bool
    /// Whether one submission receives until it is cancelled.
    public let multishotReceive: Bool
    /// Whether that holds for Unix sockets too; not on kernels that then forget ends of streams.
    public let multishotUnixReceive: Bool
    /// Whether the kernel ends a multishot receive when a connection has had its share of a turn; if not, the loop cancels it.
    public let countedReceive: Bool
    /// Whether one submission reads a pipe until it is cancelled.
    public let multishotRead: Bool
    /// Whether writes to pipes can be told to raise no SIGPIPE; if not, the loop holds the signal while they are tried.
    public let quietWrites: Bool
    /// Whether the ring itself waits for the ends of child processes; if not, by polling a pidfd of each.
    public let childWaits: Bool
    /// Whether receives take only what they need of a buffer.
    public let incrementalBuffers: Bool
    /// Whether other threads wake the loop by a message to its ring; if not, by an eventfd.
    public let messageWakeUp: Bool
    /// Whether an idle loop stays out of the iowait statistics.
    public let noIOWait: Bool

    package init(
        submissionQueueSize: Int,
        completionQueueSize: Int,
        growingQueues: Bool,
        bufferCount: Int,
        bufferSize: Int,
        multishotAccept: Bool,
        waitFreeAccept: Bool,
        multishotReceive: Bool,
        multishotUnixReceive: Bool,
        countedReceive: Bool,
        multishotRead: Bool,
        quietWrites: Bool,
        childWaits: Bool,
        incrementalBuffers: Bool,
        messageWakeUp: Bool,
        noIOWait: Bool
    ) {
        self.submissionQueueSize = submissionQueueSize
        self.completionQueueSize = completionQueueSize
        self.growingQueues = growingQueues
        self.bufferCount = bufferCount
        self.bufferSize = bufferSize
        self.multishotAccept = multishotAccept
        self.waitFreeAccept = waitFreeAccept
        self.multishotReceive = multishotReceive
        self.multishotUnixReceive = multishotUnixReceive
        self.countedReceive = countedReceive
        self.multishotRead = multishotRead
        self.quietWrites = quietWrites
        self.childWaits = childWaits
        self.incrementalBuffers = incrementalBuffers
        self.messageWakeUp = messageWakeUp
        self.noIOWait = noIOWait
    }
}
