/// What a queue has to know besides its elements: how many there are, who waits, and whether it was shut down.
///
/// A task that waited and was woken goes on some time later. What it was woken for is promised to it until then: nobody who
/// comes in between takes it away, and if the task is cancelled on its way, the promise goes to the next.
@usableFromInline
final class QueueCore {
    enum Life {
        case open
        /// Nothing more is put; what is left can be got.
        case shutDown
        /// What was left is gone too.
        case emptied
    }

    /// What a getter is woken with that will get an element.
    private static let promise = 1

    @usableFromInline let maxSize: Int

    // Exclusivity: these belong to the loop's thread, and no method calls out while it changes them.
    @exclusivity(unchecked) private var binding = LoopBinding()
    @exclusivity(unchecked) private(set) var life = Life.open
    /// Elements that are in the queue.
    @exclusivity(unchecked) private(set) var count = 0
    /// Those of them that a woken task will get.
    @exclusivity(unchecked) private var promisedElements = 0
    /// Places that a woken task will fill.
    @exclusivity(unchecked) private var promisedPlaces = 0
    /// Elements that were put and not reported as done.
    @exclusivity(unchecked) private var unfinished = 0
    private let getters = WaitList()
    private let putters = WaitList()
    private let joiners = WaitList()

    init(maxSize: Int) {
        self.maxSize = max(maxSize, 0)
    }

    /// Elements that anybody may get.
    var available: Int { count - promisedElements }
    var isFull: Bool { maxSize > 0 && count + promisedPlaces >= maxSize }

    func checkThread(_ call: StaticString) {
        binding.check(call)
    }

    // MARK: - Putting

    /// Whether an element may be put at once.
    @usableFromInline
    func mayPut(_ call: StaticString) throws -> Bool {
        binding.check(call)
        guard life == .open else { throw QueueError.shutDown }
        return !isFull
    }

    /// The same for a task that would wait.
    @usableFromInline
    func mayPutUnlessCancelled() throws -> Bool {
        try checkCancellation()
        return try mayPut("Queue.put")
    }

    /// Waits for a place, which is then promised to the caller.
    @usableFromInline
    nonisolated(nonsending) func waitForPlace() async throws {
        let loop = try binding.use("Queue.put")
        let outcome = await putters.wait(on: loop)
        // A place that was promised before the end of the queue is no place any more.
        guard outcome == .cancelled || life == .open else { throw QueueError.shutDown }
        guard outcome != .cancelled else { throw CancellationError() }
        promisedPlaces -= 1
        guard outcome == .woken else {
            promisePlace()
            throw CancellationError()
        }
    }

    /// An element is in the queue.
    @usableFromInline
    func didPut() {
        count += 1
        unfinished += 1
        promiseElement()
    }

    private func promiseElement() {
        guard available > 0, getters.wakeFirst(with: Self.promise) else { return }
        promisedElements += 1
    }

    // MARK: - Getting

    /// Whether an element may be got at once.
    @usableFromInline
    func mayGet(_ call: StaticString) throws -> Bool {
        binding.check(call)
        guard available == 0 else { return true }
        guard life == .open else { throw QueueError.shutDown }
        return false
    }

    /// The same for a task that would wait.
    @usableFromInline
    func mayGetUnlessCancelled() throws -> Bool {
        try checkCancellation()
        return try mayGet("Queue.get")
    }

    /// Waits for an element, which is then promised to the caller.
    @usableFromInline
    nonisolated(nonsending) func waitForElement() async throws {
        let loop = try binding.use("Queue.get")
        let (outcome, reason) = await getters.waitForValue(on: loop)
        guard outcome != .cancelled else { throw CancellationError() }
        let isPromised = reason == Self.promise && life != .emptied
        if isPromised { promisedElements -= 1 }
        guard outcome == .woken else {
            promiseElement()
            throw CancellationError()
        }
        // Woken by the end of the queue: somebody else's promise may have come free.
        guard isPromised || available > 0 else { throw QueueError.shutDown }
    }

    /// An element has left the queue.
    @usableFromInline
    func didGet() {
        precondition(count > 0, "an element left an empty queue")
        count -= 1
        promisePlace()
    }

    private func promisePlace() {
        guard life == .open, !isFull, putters.wakeFirst() else { return }
        promisedPlaces += 1
    }

    // MARK: - Being done

    @usableFromInline
    func taskDone() throws {
        binding.check("Queue.taskDone")
        guard unfinished > 0 else { throw QueueError.doneTooOften }
        unfinished -= 1
        if unfinished == 0 { joiners.wakeAll() }
    }

    @usableFromInline
    nonisolated(nonsending) func join() async throws {
        let loop = try binding.use("Queue.join")
        try checkCancellation()
        guard unfinished > 0 else { return }
        guard await joiners.wait(on: loop) == .woken else { throw CancellationError() }
    }

    // MARK: - The end

    /// Returns whether what is left is to be dropped.
    @usableFromInline
    func shutDown(immediate: Bool) -> Bool {
        binding.check("Queue.shutdown")
        if life == .open { life = .shutDown }
        promisedPlaces = 0
        putters.wakeAll()
        let drops = immediate && life != .emptied
        if drops { dropAll() }
        // Who waits now waits for what will never come; a promise is kept.
        getters.wakeAll()
        return drops
    }

    private func dropAll() {
        life = .emptied
        unfinished = max(unfinished - count, 0)
        count = 0
        promisedElements = 0
        if unfinished == 0 { joiners.wakeAll() }
    }
}
