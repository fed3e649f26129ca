public import DequeModule

/// Hands elements from tasks of a loop to others, first in, first out: asyncio's `Queue`.
///
/// With a ``maxSize``, whoever puts more waits until there is room. Who waits is served in the order of coming, and what a
/// cancelled task would have got goes to the next.
///
/// Thread rule: one loop's thread only; the loop whose task first uses it.
///
/// ```swift
/// let jobs = Queue<String>(maxSize: 10)
/// loop.createTask {
///     for try await job in jobs.elements {
///         print(job)
///         try jobs.taskDone()
///     }
/// }
/// try await jobs.put("sweep")
/// try await jobs.join()
/// jobs.shutdown()
/// ```
public class Queue<Element> {
    /// Which element is next.
    @usableFromInline
    enum Discipline {
        case oldest
        case newest
        /// A subclass knows.
        case chosen
    }

    @usableFromInline let core: QueueCore
    @usableFromInline let discipline: Discipline
    // Exclusivity: it belongs to the loop's thread, and no method calls out while it changes it.
    @usableFromInline @exclusivity(unchecked) var storage = Deque<Element>()

    /// An empty queue.
    ///
    /// - Parameter maxSize: how many elements there may be in it; zero or less is without limit.
    public convenience init(maxSize: Int = 0) {
        self.init(maxSize: maxSize, discipline: .oldest)
    }

    init(maxSize: Int, discipline: Discipline) {
        core = QueueCore(maxSize: maxSize)
        self.discipline = discipline
    }

    // MARK: - Size

    /// How many elements there may be in the queue; zero is without limit.
    public var maxSize: Int { core.maxSize }

    /// How many elements can be got now. One that a waiting task is about to get is not among them.
    public var count: Int {
        core.checkThread("Queue.count")
        return core.available
    }

    /// Whether a task that wanted an element now would have to wait.
    public var isEmpty: Bool { count == 0 }

    /// Whether a task that put an element now would have to wait.
    public var isFull: Bool {
        core.checkThread("Queue.isFull")
        return core.isFull
    }

    // MARK: - Putting

    /// Puts an element into the queue, and waits for a free place first if there is none.
    ///
    /// - Throws: ``QueueError/shutDown``, also when the queue is shut down meanwhile; `CancellationError` when the task is
    ///   cancelled; ``EventLoopError/noRunningLoop``. The element is not in the queue then.
    @inlinable
    public final nonisolated(nonsending) func put(_ element: Element) async throws {
        if !(try core.mayPutUnlessCancelled()) { try await core.waitForPlace() }
        store(element)
    }

    /// Puts an element into the queue at once.
    ///
    /// - Throws: ``QueueError/full``, ``QueueError/shutDown``.
    @inlinable
    public final func putNoWait(_ element: Element) throws {
        guard try core.mayPut("Queue.putNoWait") else { throw QueueError.full }
        store(element)
    }

    // MARK: - Getting

    /// Takes the next element out of the queue, and waits for one first if there is none.
    ///
    /// - Throws: ``QueueError/shutDown`` when there is none and will be none; `CancellationError` when the task is cancelled:
    ///   the element stays for the next; ``EventLoopError/noRunningLoop``.
    @inlinable
    public final nonisolated(nonsending) func get() async throws -> Element {
        if !(try core.mayGetUnlessCancelled()) { try await core.waitForElement() }
        return take()
    }

    /// Takes the next element out of the queue at once.
    ///
    /// - Throws: ``QueueError/empty``; ``QueueError/shutDown`` when there will be none.
    @inlinable
    public final func getNoWait() throws -> Element {
        guard try core.mayGet("Queue.getNoWait") else { throw QueueError.empty }
        return take()
    }

    /// The elements as they come, for a `for try await` loop, until the queue is shut down and empty.
    public var elements: QueueElements<Element> { QueueElements(queue: self) }

    // MARK: - Being done

    /// Says that one element that was got is dealt with.
    ///
    /// - Throws: ``QueueError/doneTooOften`` when it is called more often than elements were put.
    public final func taskDone() throws {
        try core.taskDone()
    }

    /// Waits until ``taskDone()`` has been called for each element that was put.
    ///
    /// - Throws: `CancellationError` when the task is cancelled, ``EventLoopError/noRunningLoop``.
    public final nonisolated(nonsending) func join() async throws {
        try await core.join()
    }

    // MARK: - The end

    /// Ends the queue: tasks that put, or wait to, get ``QueueError/shutDown``, and so do those that get, once it is empty.
    ///
    /// - Parameter immediate: drop what is in the queue, as if it had been got and dealt with: who gets is refused at once.
    public final func shutdown(immediate: Bool = false) {
        if core.shutDown(immediate: immediate) { removeAll() }
    }

    // MARK: - The elements

    @inlinable @inline(__always)
    final func store(_ element: Element) {
        if discipline == .chosen { keep(element) } else { storage.append(element) }
        core.didPut()
    }

    @inlinable @inline(__always)
    final func take() -> Element {
        // Before any other task hears that there is a place: all of this is one step.
        let element =
            switch discipline {
            case .oldest: storage.removeFirst()
            case .newest: storage.removeLast()
            case .chosen: choose()
            }
        core.didGet()
        return element
    }

    /// For a subclass that chooses what is next.
    @usableFromInline
    func keep(_ element: Element) { storage.append(element) }

    /// The next element, of which there is one.
    @usableFromInline
    func choose() -> Element { storage.removeFirst() }

    func removeAll() { storage.removeAll() }
}

@available(*, unavailable)
extension Queue: Sendable {}
