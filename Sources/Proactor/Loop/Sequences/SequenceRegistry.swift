/// An iteration over an async sequence that the loop has handed out, as the end of the loop sees it.
protocol OpenSequence: AnyObject {
    /// Ends it: whoever waits for the next element gets `nil`, and so does whoever asks from here on.
    func finish()
}

/// The iterations over async sequences of a loop that have begun and are not over. It does not keep them alive.
struct SequenceRegistry {
    private struct Entry {
        weak var sequence: (any OpenSequence)?
    }

    private var entries: [UInt64: Entry] = [:]
    private var lastNumber: UInt64 = 0
    /// Whether all were ended, and with them those that would begin later.
    private(set) var isShutDown = false

    var count: Int { entries.count }

    /// Takes an iteration in, and returns its number, for ``remove(_:)``.
    mutating func insert(_ sequence: any OpenSequence) -> UInt64 {
        lastNumber += 1
        entries[lastNumber] = Entry(sequence: sequence)
        return lastNumber
    }

    /// Harmless when it is not there.
    mutating func remove(_ number: UInt64) {
        entries[number] = nil
    }

    /// Empties the registry for good, and returns what was in it, the oldest first.
    mutating func shutDown() -> [any OpenSequence] {
        isShutDown = true
        defer { entries = [:] }
        return entries.sorted { $0.key < $1.key }.compactMap(\.value.sequence)
    }
}
