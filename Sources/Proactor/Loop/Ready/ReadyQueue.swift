/// First in, first out: what runs in the next turn of a loop.
///
/// What other threads have posted to the inbox by now comes before whatever is added: see ``ThreadSafeInbox``.
///
/// A list of blocks. It is the busiest structure of a loop, so the references between blocks are counted by hand: the
/// queue holds one for each block that is in it, and one for the spare.
final class ReadyQueue {
    // Exclusivity: the queue belongs to the loop's thread, and no method calls out while it changes these.
    @exclusivity(unchecked) private var head: Unmanaged<ReadyBlock>
    @exclusivity(unchecked) private var tail: Unmanaged<ReadyBlock>
    /// A drained block to use again, which spares the allocator in steady state.
    @exclusivity(unchecked) private var spare: Unmanaged<ReadyBlock>?
    @exclusivity(unchecked) private(set) var count = 0

    @exclusivity(unchecked) private var inboxBatch: [ReadyEntry] = []

    private let thread: LoopThread
    private let inbox: ThreadSafeInbox

    init(thread: LoopThread, inbox: ThreadSafeInbox) {
        self.thread = thread
        self.inbox = inbox
        head = Unmanaged.passRetained(ReadyBlock(thread: thread))
        tail = head
    }

    deinit {
        var block: Unmanaged<ReadyBlock>? = head
        while let current = block {
            block = current._withUnsafeGuaranteedRef { $0.next }
            current.release()
        }
        spare?.release()
    }

    /// Adds what can be cancelled.
    @inline(__always)
    func append(_ entry: ReadyEntry) -> Handle {
        let index = place(entry)
        return Handle(block: tail.takeUnretainedValue(), index: index)
    }

    /// Adds what nobody cancels.
    @inline(__always)
    func push(_ entry: ReadyEntry) {
        _ = place(entry)
    }

    /// The oldest entry; the queue must not be empty.
    @inline(__always)
    func takeFirst() -> ReadyEntry {
        if head._withUnsafeGuaranteedRef({ $0.isDrained }) { dropHead() }
        count -= 1
        return head._withUnsafeGuaranteedRef { $0.takeFirst() }
    }

    /// Whether the oldest entry is a step of a task; the queue must not be empty.
    var beginsWithJob: Bool {
        if head._withUnsafeGuaranteedRef({ $0.isDrained }) { dropHead() }
        return head._withUnsafeGuaranteedRef { $0.beginsWithJob }
    }

    /// Drops what will not run any more. The jobs of context callbacks are handed to `end`: their tasks end only by running.
    func drop(_ end: (UnownedJob) -> Void) {
        while count > 0 {
            switch takeFirst() {
            case .contextCallback(let job), .contextEnd(let job): end(job)
            case .empty, .callback, .wake, .job: break
            }
        }
    }

    /// Adds what has been posted.
    @inline(__always)
    func takePosted() {
        if !inbox.isEmpty { takeAllPosted() }
    }

    @inline(never)
    private func takeAllPosted() {
        inbox.take(using: &inboxBatch) { entry in _ = placeLast(entry) }
    }

    @inline(__always)
    private func place(_ entry: ReadyEntry) -> Int {
        takePosted()
        return placeLast(entry)
    }

    @inline(__always)
    private func placeLast(_ entry: ReadyEntry) -> Int {
        if tail._withUnsafeGuaranteedRef({ $0.isFull }) { addBlock() }
        count += 1
        return tail._withUnsafeGuaranteedRef { $0.append(entry) }
    }

    @inline(never)
    private func addBlock() {
        let block = spare ?? Unmanaged.passRetained(ReadyBlock(thread: thread))
        spare = nil
        tail._withUnsafeGuaranteedRef { $0.next = block }
        tail = block
    }

    @inline(never)
    private func dropHead() {
        let drained = head
        guard let next = drained._withUnsafeGuaranteedRef({ $0.next }) else {
            preconditionFailure("the ready queue counts an entry that it does not have")
        }
        head = next
        var block: ReadyBlock? = drained.takeRetainedValue()
        // A handle that the user kept still reads the block: then it is not ours to use again.
        guard spare == nil, isKnownUniquelyReferenced(&block), let unused = block else { return }
        unused.reset()
        spare = Unmanaged.passRetained(unused)
    }
}
