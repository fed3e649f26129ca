/// What will come of a stream.
enum StreamEnd {
    case open
    case ended
    /// The connection was lost by an error.
    case failed(any Error)
}

/// What a task wants of a stream before it goes on.
enum StreamDemand {
    case nothing
    /// So many bytes.
    case bytes(Int)
    /// All of it.
    case toEnd
    /// All of it, unless it is more than so many bytes, in an array: see ``StreamReader/collectToEnd(holding:)``.
    case collection(max: Int)
    /// What the reader's search is for.
    case separator

    /// The most memory that is made ready for a read before its bytes come.
    private static let expectedMax = 1 << 20

    /// How many bytes will be held, as far as that is known.
    var expectedCount: Int {
        if case .bytes(let count) = self { min(count, Self.expectedMax) } else { 0 }
    }
}

/// A search for a separator in what comes and comes.
struct SeparatorSearch {
    private var separator = StreamSeparator.newline
    private(set) var match: SeparatorMatch?
    /// No separator begins before it.
    private(set) var searched = 0
    private(set) var isOverLimit = false

    /// Begins anew.
    mutating func begin(_ separator: StreamSeparator) {
        self.separator = separator
        match = nil
        searched = 0
        isOverLimit = false
    }

    /// Whether more bytes would change nothing.
    var isOver: Bool { match != nil || isOverLimit }

    /// Goes on where it was.
    mutating func go(through buffer: borrowing StreamBuffer, limit: Int) {
        match = separator.firstMatch(in: buffer, from: searched)
        guard match == nil else { return }
        searched = max(searched, buffer.count - separator.overlap)
        isOverLimit = searched > limit
    }
}
