/// Unix sockets that were full when a task sent to them, each with the tasks that have a datagram for it: they stand in line, so that
/// theirs keep their order, and nobody else waits.
final class ReceiverLines {
    /// A receiver as one socket of a task's sends to it.
    struct Key: Hashable {
        let socket: Int32
        let receiver: SocketAddress
    }

    private struct Line {
        /// When it last took a datagram of the line's; before any other instant at first.
        var lastTook = LoopInstant(nanoseconds: .min)
        /// Those behind the first, each to be told when it is that.
        var behind: [Future<Void>] = []
    }

    // Exclusivity: the table belongs to the loop's thread, and no method calls out while it changes it.
    @exclusivity(unchecked) private var lines: [Key: Line] = [:]

    /// Whether somebody is first in the line already.
    @inline(__always)
    func hasFirst(_ key: Key) -> Bool { !lines.isEmpty && lines[key] != nil }

    /// The caller is the first, and there was none.
    func begin(_ key: Key) {
        lines[key] = Line()
    }

    /// `turn` ends when the caller is the first.
    func enqueue(_ turn: Future<Void>, in key: Key) {
        lines[key]?.behind.append(turn)
    }

    /// The caller does not wait any more.
    func dequeue(_ turn: Future<Void>, from key: Key) {
        lines[key]?.behind.removeAll { $0 === turn }
    }

    func lastTook(_ key: Key) -> LoopInstant {
        lines[key]?.lastTook ?? LoopInstant(nanoseconds: .min)
    }

    func took(_ key: Key, at now: LoopInstant) {
        lines[key]?.lastTook = now
    }

    /// The first leaves: the next one is that, or there is no line any more.
    func leave(_ key: Key) {
        while lines[key]?.behind.isEmpty == false, let next = lines[key]?.behind.removeFirst() {
            // A cancelled one has not got round to leaving.
            guard next.isPending else { continue }
            return next.succeed(())
        }
        lines[key] = nil
    }

    var isEmpty: Bool { lines.isEmpty }
}
