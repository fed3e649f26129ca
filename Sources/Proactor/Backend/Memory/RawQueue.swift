/// A first-in, first-out queue of plain values that lie one behind the other in raw memory, which is reused.
struct RawQueue<Element: BitwiseCopyable>: ~Copyable {
    private var list = RawList<Element>(capacity: 16)
    /// Where the first element is: what is before it is gone.
    private var start = 0

    /// Above so many elements the memory is let go of when the queue is empty.
    private static var keptMax: Int { 4096 }

    var count: Int { list.count - start }
    var isEmpty: Bool { count == 0 }

    /// The elements; valid until the queue next changes.
    var elements: UnsafeBufferPointer<Element> { .init(start: list.base + start, count: count) }

    /// The first element, of which there must be one.
    var first: Element {
        get { list[start] }
        set { list[start] = newValue }
    }

    /// The last element, of which there must be one.
    var last: Element {
        get { list[list.count - 1] }
        set { list[list.count - 1] = newValue }
    }

    mutating func append(_ element: Element) {
        list.append(element)
    }

    /// Takes the first element out, of which there must be one.
    @inline(__always)
    mutating func takeFirst() -> Element {
        let element = first
        removeFirst(1)
        return element
    }

    mutating func removeFirst(_ number: Int) {
        precondition(number >= 0 && number <= count, "no such elements")
        start += number
        if start == list.count {
            if list.count > Self.keptMax { list = RawList(capacity: 16) } else { list.removeFirst(start) }
            start = 0
        } else if start >= 256, start >= count {
            // At least as many are gone as have to move.
            list.removeFirst(start)
            start = 0
        }
    }

    mutating func removeLast(_ number: Int) {
        precondition(number >= 0 && number <= count, "no such elements")
        list.removeLast(number)
        if isEmpty { removeFirst(0) }
    }
}
