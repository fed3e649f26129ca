/// First in, first out: what runs in the next turn of a loop.
final class ReadyQueue {
    private var older: [ReadyBlock] = []
    private var olderStart = 0
    @exclusivity(unchecked) private var head: ReadyBlock
    @exclusivity(unchecked) private var tail: ReadyBlock
    /// A drained block to use again, which spares the allocator in steady state.
    private var spare: ReadyBlock?
    @exclusivity(unchecked) private(set) var count = 0

    init() {
        head = ReadyBlock()
        tail = head
    }

    @discardableResult
    func append(_ entry: consuming ReadyEntry) -> Handle {
        if tail.isFull { addBlock() }
        count += 1
        return Handle(block: tail, index: tail.append(entry))
    }

    /// The oldest entry; the queue must not be empty.
    func takeFirst() -> ReadyEntry {
        if head.isDrained { dropHead() }
        count -= 1
        return head.takeFirst()
    }

    /// Drops what will not run any more. The jobs of context callbacks are handed to `end`: their tasks end only by running.
    func drop(_ end: (UnownedJob) -> Void) {
        while count > 0 {
            if case .contextCallback(let job) = takeFirst() { end(job) }
        }
    }

    private func addBlock() {
        if tail !== head { older.append(tail) }
        if let block = spare {
            spare = nil
            tail = block
        } else {
            tail = ReadyBlock()
        }
    }

    private func dropHead() {
        precondition(head !== tail || !head.isFull || count == 0, "the ready queue lost its tail")
        var drained: ReadyBlock? = head
        if olderStart < older.count {
            head = older[olderStart]
            olderStart += 1
            if olderStart == older.count {
                older.removeAll(keepingCapacity: olderStart <= 64)
                olderStart = 0
            }
        } else {
            head = tail
        }
        // A handle that the user kept still reads the block: then it is not ours to use again.
        if spare == nil, drained !== head, isKnownUniquelyReferenced(&drained) {
            drained?.reset()
            spare = drained
        }
    }
}
