/// Work that waits for a thread, first in, first out.
struct WorkQueue {
    typealias Work = @Sendable () -> Void

    private var incoming: [Work] = []
    /// The oldest is the last.
    private var outgoing: [Work] = []

    var count: Int { incoming.count + outgoing.count }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ work: @escaping Work) {
        incoming.append(work)
    }

    /// Takes back what was appended last, before anything else was taken out.
    mutating func removeNewest() {
        precondition(!incoming.isEmpty, "the newest work has left the queue already")
        incoming.removeLast()
    }

    mutating func takeOldest() -> Work? {
        if outgoing.isEmpty {
            outgoing = incoming.reversed()
            incoming = []
        }
        return outgoing.popLast()
    }
}
