import Synchronization
import SystemPackage

/// An operation that a task waits for. Cancelling the task cancels the operation.
///
/// When the loop closes under it, the operation is over and the task stays suspended for good, with all that it holds: Swift
/// cannot take a task apart from outside. What must not stay open then is the loop's to close: see
/// ``UnclaimedDescriptors``.
///
/// The objects are used again: waiting allocates nothing. A cancel that comes too late names the use that it meant.
final class AwaitedOperation: CompletionOwner, CancellableWait {
    /// The loop owns the pool that this object belongs to, and whoever uses the object is within a call of the loop.
    unowned(unsafe) let loop: BaseEventLoop

    // Exclusivity: these belong to the loop's thread, and no method calls out while it changes them.
    /// Keeps the memory alive that the operation names.
    @exclusivity(unchecked) private var memory: AnyObject?
    @exclusivity(unchecked) private var continuation: UnsafeContinuation<Int32, Never>?
    @exclusivity(unchecked) private var token = OperationToken(rawValue: 0)
    @exclusivity(unchecked) private var isCancelled = false
    /// A copy of what the operation lent, where the task did not go on within the completion.
    @exclusivity(unchecked) private var bytes: [UInt8] = []
    /// What is lent, within the completion.
    @exclusivity(unchecked) private var lent: UnsafeRawBufferPointer?
    /// How often the object was given back. Atomic, because the thread that cancels reads it. Only the loop's changes it.
    private let useNumber = Atomic<UInt64>(0)

    init(loop: BaseEventLoop) {
        self.loop = loop
    }

    /// Performs an operation that completes once, and returns its result: zero or more, or minus errno.
    ///
    /// Throws `CancellationError` when the task was cancelled and the operation ended in nothing. It may have succeeded all
    /// the same, and then its result is returned: what it brought is the caller's.
    ///
    /// - Parameter memory: owns what the operation's pointers point to. It is kept until the final completion. Not needed
    ///   for memory that the calling task keeps in its place while it waits.
    nonisolated(nonsending) static func perform(
        _ operation: IOOperation,
        keeping memory: AnyObject?,
        on loop: BaseEventLoop
    ) async throws -> Int32 {
        let awaited = try begin(operation, keeping: memory, on: loop)
        return try awaited.end(await awaited.wait())
    }

    /// Begins what ``wait()`` and ``end(_:)`` follow on: ``perform(_:keeping:on:)`` in three steps, so that a task that waits keeps
    /// nothing of the first. Nothing may be delivered between the first two.
    @inline(never)
    static func begin(
        _ operation: IOOperation,
        keeping memory: AnyObject? = nil,
        on loop: BaseEventLoop
    ) throws -> AwaitedOperation {
        try checkCancellation()
        let awaited = loop.awaitedOperations.take(for: loop)
        awaited.memory = memory
        awaited.submit(operation)
        return awaited
    }

    /// Gives the object back. Returns the operation's result.
    @inline(never)
    func end(_ result: Int32) throws -> Int32 {
        let wasCancelled = isCancelled
        loop.awaitedOperations.giveBack(self)
        if wasCancelled, result < 0 { throw CancellationError() }
        return result
    }

    /// Performs an operation that completes once and must be done, cancelled or not: such as a close.
    nonisolated(nonsending) static func performToTheEnd(
        _ operation: IOOperation,
        on loop: BaseEventLoop
    ) async -> Int32 {
        let awaited = loop.awaitedOperations.take(for: loop)
        awaited.submit(operation)
        let result = await suspendTask { continuation in awaited.wait(by: continuation) }
        loop.awaitedOperations.giveBack(awaited)
        return result
    }

    /// As ``end(_:)``, and lends the bytes that the operation lent to `body`, unless it failed: then it returns `nil`. They are not copied
    /// before.
    func end<Result>(_ result: Int32, lendingTo body: (RawSpan) throws -> Result) throws -> Result? {
        guard result >= 0 else {
            _ = try end(result)
            return nil
        }
        defer { loop.awaitedOperations.giveBack(self) }
        return try lend(body)
    }

    /// Nobody else has the object meanwhile, so what `body` does cannot change what it looks at.
    private func lend<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
        // Set within the completion only, for whose length the backend keeps the bytes.
        if let lent = lent.take() { return try body(lent.bytes) }
        let copy = bytes
        return try body(copy.span.bytes)
    }

    // Not inlined: see `CancellationHandler`. Not private, for tests: a cancel may come between the check before and this.
    @inline(never)
    nonisolated(nonsending) func wait() async -> Int32 {
        let handler = CancellationHandler(for: self)
        defer { handler.remove() }
        // Used on the loop's thread only.
        nonisolated(unsafe) let this = self
        return await suspendTask { continuation in
            this.wait(by: continuation)
        }
    }

    func submit(_ operation: IOOperation) {
        token = loop.backend.submit(operation, owner: self)
        loop.descriptors.noteOperation(token, on: operation)
    }

    private func wait(by continuation: UnsafeContinuation<Int32, Never>) {
        self.continuation = continuation
        // A continuation is a pointer to its task. If it ever is not, a fetch is wasted, and nothing else.
        waitingTask = unsafeBitCast(continuation, to: UnsafeRawPointer.self)
        // The task was cancelled on its way in here.
        if isCancelled { loop.backend.cancel(token) }
    }

    var waitNumber: UInt64 { useNumber.load(ordering: .relaxed) }

    func cancelWait() {
        isCancelled = true
        if continuation != nil { loop.backend.cancel(token) }
    }

    override func operationCompleted(_ completion: Completion) {
        precondition(completion.isFinal, "an awaited operation completes once")
        if completion.token.kind == .acceptOnce, completion.result >= 0 {
            // The task may never go on to take it.
            loop.unclaimed.insert(FileDescriptor(rawValue: completion.result))
        }
        if completion.bytes.count > 0 { return lendAndResume(completion) }
        guard let continuation = continuation.take() else { return }
        loop.resumeNow { continuation.resume(returning: completion.result) }
    }

    /// Lets the task go on, and copies what is lent where it does not look at it now.
    private func lendAndResume(_ completion: Completion) {
        guard let continuation = continuation.take() else { return }
        lent = completion.bytes
        let use = waitNumber
        loop.resumeNow { continuation.resume(returning: completion.result) }
        // The task has given the object back, and somebody else may have it.
        guard waitNumber == use, lent != nil else { return }
        lent = nil
        bytes = Array(completion.bytes)
    }

    /// Makes it ready for another use.
    func reset() {
        precondition(continuation == nil, "an operation was given back before it was over")
        memory = nil
        isCancelled = false
        lent = nil
        bytes = []
        useNumber.store(useNumber.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }
}

/// The ``AwaitedOperation`` objects of a loop that nobody uses.
struct AwaitedOperationPool {
    private var idle: [AwaitedOperation] = []

    /// As many as are kept: a server of a thousand connections allocates none.
    private static let idleMax = 1024

    mutating func take(for loop: BaseEventLoop) -> AwaitedOperation {
        idle.popLast() ?? AwaitedOperation(loop: loop)
    }

    mutating func giveBack(_ operation: AwaitedOperation) {
        operation.reset()
        if idle.count < Self.idleMax { idle.append(operation) }
    }
}
