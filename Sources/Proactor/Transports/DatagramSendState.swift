/// What a datagram transport's sending side waits for.
enum DatagramSendState {
    /// Nothing.
    case idle
    /// The first datagram of the queue is in flight: the kernel had no room for it.
    case waiting(OperationToken)
    /// The receiver of a connected Unix socket is full: an operation tells when it has room.
    case waitingForRoom(OperationToken)
    /// A Unix socket's receiver is full, and is tried again after a while.
    case resting(TimerHandle)

    /// Whether the kernel has the queue's first datagram.
    var isInKernel: Bool { if case .waiting = self { true } else { false } }
}
