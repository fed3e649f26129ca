import HeapModule

/// A ``Queue`` whose smallest element is the next: asyncio's `PriorityQueue`. Equal ones come in the order in which they were put.
///
/// Thread rule: one loop's thread only; the loop whose task first uses it.
///
/// ```swift
/// let deadlines = PriorityQueue<LoopInstant>()
/// try await deadlines.put(loop.time().advanced(by: .seconds(2)))
/// let first = try await deadlines.get()
/// ```
public final class PriorityQueue<Element: Comparable>: Queue<Element> {
    private struct Entry: Comparable {
        let element: Element
        let number: UInt64

        static func == (left: Entry, right: Entry) -> Bool { left.number == right.number }

        static func < (left: Entry, right: Entry) -> Bool {
            if left.element < right.element { return true }
            return left.number < right.number && !(right.element < left.element)
        }
    }

    private var heap = Heap<Entry>()
    private var lastNumber: UInt64 = 0

    /// An empty queue.
    ///
    /// - Parameter maxSize: how many elements there may be in it; zero or less is without limit.
    public init(maxSize: Int = 0) {
        super.init(maxSize: maxSize, discipline: .chosen)
    }

    @usableFromInline
    override func keep(_ element: Element) {
        lastNumber += 1
        heap.insert(Entry(element: element, number: lastNumber))
    }

    @usableFromInline
    override func choose() -> Element {
        heap.removeMin().element
    }

    override func removeAll() { heap = Heap() }
}
