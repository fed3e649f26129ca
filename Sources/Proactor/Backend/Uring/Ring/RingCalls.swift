import SystemPackage

/// What ``UringBackend`` asks of a ring: the narrow edge at which tests put a scripted kernel, and simulations theirs.
///
/// Thread rule: all of it belongs to the thread that called ``start()``. Results are the kernel's: zero or more, else
/// minus errno. Each `prepare` returns false, with nothing queued, when the submission queue is full.
package protocol RingCalls: AnyObject {
    var features: RingFeatures { get }
    /// The receive buffers of streams.
    var streamBuffers: BufferArea { get }
    var waker: any LoopWaker { get }

    /// Binds the ring to the calling thread. Returns whether a wake-up came before.
    func start() throws(RingUnavailable) -> Bool

    func prepare(_ operation: IOOperation, token: OperationToken) -> Bool
    /// Prepares a receive of a stream that ends when it has brought so many bytes; less than one piece can come beyond. Only with
    /// ``RingFeatures/countedReceive``.
    func prepareReceive(from socket: FileDescriptor, share: UInt32, token: OperationToken) -> Bool
    /// Prepares a ``IOOperation/receive(_:)``, ``IOOperation/pipeRead(_:)`` or ``IOOperation/receiveOnce(_:maxCount:)`` that ends
    /// with its first completion, into a buffer of the group.
    ///
    /// Of a buffer that is consumed piece by piece the first two may take all that is left. The last does not wait with such
    /// buffers: EAGAIN is the result then.
    func prepareSingle(_ operation: IOOperation, into group: BufferGroup, token: OperationToken) -> Bool
    func prepareCancel(of target: OperationToken, token: OperationToken) -> Bool
    func prepareCancelOfAll(token: OperationToken) -> Bool
    /// Completes with a positive result when that side of the descriptor is ready or has failed.
    func prepareWait(for side: Readiness, of descriptor: FileDescriptor, token: OperationToken) -> Bool
    /// Completes whenever the descriptor's readiness for writing changes, until it is cancelled. A first time at once when there
    /// is something to tell.
    func prepareWaitForRoom(of descriptor: FileDescriptor, token: OperationToken) -> Bool
    /// Arms the read that lets an eventfd end a wait. Only without ``RingFeatures/messageWakeUp``.
    func prepareWakeUpRead(token: OperationToken) -> Bool

    /// A descriptor that is readable while somebody waits to be accepted by the listener, and does not hold it. `nil` when it cannot
    /// be had.
    func makeListenerWatch(_ listener: FileDescriptor) -> FileDescriptor?
    /// Lets go of one. Also in a fork's child, whose copy it is then.
    func closeListenerWatch(_ watch: FileDescriptor)

    /// Hands over what is prepared.
    func submit() -> Int32
    /// Whether a poll without waiting would change nothing.
    var isQuiet: Bool { get }
    /// Hands over what is prepared and waits for a completion: not at all for 0, without limit for a negative time.
    func submitAndWait(timeoutNanoseconds: Int64) -> Int32
    /// Waits without the ring: for when it is refused.
    func rest(nanoseconds: Int64)
    /// Moves at most `capacity` completions out of the ring.
    func reap(into target: UnsafeMutablePointer<RingCompletion>, capacity: Int) -> Int
    /// Makes room for more in the ring, where that has proved worth it. After a reap.
    func growIfStrained()
    /// Takes the oldest submission that was prepared and never handed over. Any thread, when no other uses the ring.
    func takeUnsubmitted() -> OperationToken?

    /// Makes the receive buffers of datagrams, once. On the ring's thread when it has started.
    func makeDatagramBuffers() throws(Errno) -> BufferArea
    /// Makes the buffers of ``BufferGroup/singles``, in the same way.
    func makeSingleBuffers() throws(Errno) -> BufferArea
    /// Gives a buffer back; the kernel sees it after the next publish.
    func recycleBuffer(_ number: UInt16, of group: BufferGroup)
    func publishBuffers(of group: BufferGroup)

    /// Lets go of the ring. The buffers stay when the kernel may still write to them.
    func destroy(onOwnerThread: Bool, keepingBuffers: Bool)
    /// Lets go of a parent process's ring.
    func abandon()
}
