import Glibc

/// A growable list of plain values in raw memory: no reference counting, no copy on write, memory kept for reuse.
struct RawList<Element: BitwiseCopyable>: ~Copyable {
    /// The elements; valid until the list next grows.
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 16) {
        precondition(capacity > 0, "a list needs room")
        base = growMemory(nil, to: capacity)
        self.capacity = capacity
    }

    deinit {
        free(base)
    }

    var isEmpty: Bool { count == 0 }

    subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count, "no such element")
            return base[index]
        }
        set {
            precondition(index >= 0 && index < count, "no such element")
            base[index] = newValue
        }
    }

    mutating func append(_ element: Element) {
        reserve(count + 1)
        (base + count).initialize(to: element)
        count += 1
    }

    /// Makes the list at least `length` long.
    mutating func extend(to length: Int, filling element: Element) {
        guard length > count else { return }
        reserve(length)
        (base + count).initialize(repeating: element, count: length - count)
        count = length
    }

    /// Drops the first elements; the others move up.
    mutating func removeFirst(_ number: Int) {
        precondition(number >= 0 && number <= count, "no such elements")
        count -= number
        // Plain values: moving them down over their predecessors needs no de-initialisation.
        base.update(from: base + number, count: count)
    }

    /// Drops all of them; the memory is kept.
    mutating func removeAll() {
        count = 0
    }

    mutating func removeLast(_ number: Int) {
        precondition(number >= 0 && number <= count, "no such elements")
        count -= number
    }

    /// Removes an element by putting the last one in its place.
    mutating func replaceByLast(at index: Int) {
        self[index] = self[count - 1]
        count -= 1
    }

    private mutating func reserve(_ needed: Int) {
        guard needed > capacity else { return }
        capacity = max(needed, capacity * 2)
        base = growMemory(base, to: capacity)
    }
}

/// Room for plain values, which those that were in `former` move to. Of much memory the system moves the pages: nothing is
/// copied, nothing of the former left behind in the heap.
func growMemory<Element: BitwiseCopyable>(
    _ former: UnsafeMutablePointer<Element>?,
    to capacity: Int
) -> UnsafeMutablePointer<Element> {
    let (byteCount, isTooMuch) = capacity.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    guard !isTooMuch, let room = realloc(former, byteCount) else {
        fatalError("no memory for \(capacity) elements of \(MemoryLayout<Element>.stride) bytes")
    }
    return room.bindMemory(to: Element.self, capacity: capacity)
}
