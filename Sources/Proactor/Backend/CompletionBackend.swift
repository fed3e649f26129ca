import SystemPackage

/// The seam: the one place that knows how the kernel is asked.
///
/// Operations go in, completions come out, and everything else that touches the world is in ``system``. Transports are
/// written once against it. Thread rule: all of it belongs to the loop's thread, but ``waker``.
///
/// One turn of a loop is: ``settle()``, ``poll(timeoutNanoseconds:)``, then, among the turn's other work, ``deliver()``.
package protocol CompletionBackend: AnyObject {
    /// Calls that complete at once.
    var system: any SystemCalls { get }
    /// What other threads use to end a wait.
    var waker: any LoopWaker { get }
    /// How many operations are not over.
    var operationCount: Int { get }
    /// From how many bytes a task's send had better go out at once, past the backend. A ring makes the sends of a turn in one
    /// call, which is worth more than a task's wait as long as there is little to copy.
    var immediateSendSize: Int { get }
    /// Whether a send has asked the kernel when its submission returns. A transport asks it past the operations then.
    var asksForSendsAtOnce: Bool { get }
    /// Bytes of the largest datagram that is received whole.
    var datagramSizeMax: Int { get }
    /// Whether it waits for child processes by number (``IOOperation/waitForChild(pid:)``). Otherwise each needs a pidfd, which
    /// becomes readable.
    var waitsForChildren: Bool { get }

    /// What it tells owners through, and its submissions, while somebody measures the loop.
    var meter: TurnMeter? { get set }

    /// Says where a backend without a kernel that does so calls what may block. Before anything is submitted.
    func useExecutor(_ submit: @escaping BlockingCallSubmission)

    /// Says how to have submitted what owners want after a part of a delivery. For a backend that has to know: what it calls is
    /// the loop's.
    func useFlush(_ flush: @escaping () -> Void)

    /// Called once, on the thread that will run the loop for good.
    func start() throws(RingUnavailable)

    /// Takes an operation. It never fails: what goes wrong comes as a completion, never before this returns.
    @discardableResult
    func submit(_ operation: IOOperation, owner: CompletionOwner?) -> OperationToken

    /// Asks for an operation to end early. Its final completion still comes, by a later delivery, and may be a success:
    /// its bytes or its descriptor count. Harmless when the operation is over.
    func cancel(_ token: OperationToken)

    /// As ``cancel(_:)``, for an ``IOOperation/accept(_:)``, and closes its listener: when this returns, the address is free,
    /// and who connects is refused. Returns false where the kernel would not have it at once; then the owner closes the listener,
    /// as it closes everything, after the final completion.
    func endAccept(_ token: OperationToken, closing listener: FileDescriptor) -> Bool

    /// Delivers what submission alone has completed, so that a write which went out at once costs no turn of its own.
    func settle()

    /// Hands submissions over and waits for completions: not at all for 0, without limit for a negative time.
    func poll(timeoutNanoseconds: Int64)

    /// Gives each completion that the last poll brought to its owner.
    func deliver()

    /// Ends every operation without telling the owners, then lets go of the kernel. In a fork's child it touches nothing that is
    /// shared with the parent, and takes no lock.
    func close()
}

extension CompletionBackend {
    package var waitsForChildren: Bool { false }

    /// Whether a receive that took all the room there was, and was allowed more, may have lost the rest of a message. Messages
    /// are received in another way, unless the number of a stream's socket has become a message socket's past the loop.
    func isCutMessage(_ result: Int32, _ operation: IOOperation) -> Bool {
        guard case .receiveOnce(let socket, let maxCount) = operation, result < maxCount,
            let type = try? system.option(.socketType, of: socket)
        else {
            return false
        }
        return type != SocketType.stream.rawValue
    }

    /// In a fork's child nothing goes on that the parent has begun. What lets go of a descriptor closes the child's copy of it;
    /// all else is a mistake.
    func submitInFork(_ operation: IOOperation) -> OperationToken {
        guard case .close(let descriptor) = operation else { ProcessOfOrigin.refuseUse() }
        try? system.close(descriptor)
        return OperationToken(rawValue: 0)
    }

    /// For a backend whose deliveries are of one piece.
    package func useFlush(_ flush: @escaping () -> Void) {}

    /// For a backend whose kernel waits for everything by itself.
    package func useExecutor(_ submit: @escaping BlockingCallSubmission) {}
}

/// Runs a call that may block on another thread. Throws ESHUTDOWN where nothing is run any more.
package typealias BlockingCallSubmission = (_ call: @escaping @Sendable () -> Void) throws(Errno) -> Void
