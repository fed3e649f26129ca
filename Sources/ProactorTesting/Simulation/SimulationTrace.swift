/// What happened in a simulation, the last of it as a table and all of it as one number: two runs with the same fingerprint did
/// the same, byte for byte.
///
/// ```swift
/// print(simulation.trace)              // the last events, one a line
/// print(simulation.trace.fingerprint)  // equal for equal seeds
/// ```
public struct SimulationTrace: Sendable, CustomStringConvertible {
    enum Kind: UInt8 {
        case started
        case stopped
        case crashed
        case restarted
        case linkChanged
        case turn
        case completion
        case cancel
        case connecting
        case connected
        case refused
        case accepted
        case read
        case write
        case reset
        case closed
        case datagramSent
        case datagramLost
        case datagramDoubled
        case datagramRead
        case fileOpened
        case fileRead
        case fileWritten
        case fileSynchronized
        case childStarted
        case childEnded
        case signal
        case lookup
        case work
        case time
        case shortage
    }

    struct Entry: BitwiseCopyable {
        var time: Int64
        var value: Int64
        var host: Int32
        var kind: Kind
    }

    /// How many events the table shows at most.
    public static let eventsMax = 64

    /// A number that stands for everything that happened.
    public let fingerprint: UInt64
    /// How many events there were.
    public let eventCount: Int
    private let entries: [Entry]
    private let hosts: [String]

    init(_ recorder: TraceRecorder, hosts: [String]) {
        fingerprint = recorder.fingerprint
        eventCount = recorder.count
        entries = recorder.last(Self.eventsMax)
        self.hosts = hosts
    }

    /// One event a line: when, where, what.
    public var description: String {
        let rows = entries.map { entry in
            let host = entry.host >= 0 && Int(entry.host) < hosts.count ? hosts[Int(entry.host)] : "-"
            return (Self.text(ofTime: entry.time), host, entry.text)
        }
        let width = rows.map(\.1.count).max() ?? 0
        let lines = rows.map { time, host, what in
            time + "  " + host + String(repeating: " ", count: width - host.count) + "  " + what
        }
        return lines.joined(separator: "\n")
    }

    /// Seconds with nine digits behind the point, right-aligned.
    private static func text(ofTime nanoseconds: Int64) -> String {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let digits = String(rest)
        let text = "\(seconds)." + String(repeating: "0", count: 9 - digits.count) + digits
        return String(repeating: " ", count: max(16 - text.count, 0)) + text
    }
}

/// Takes note of what happens: a number for all of it, and the last of it.
struct TraceRecorder {
    private(set) var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325
    private(set) var count = 0
    private var entries: [SimulationTrace.Entry] = []

    mutating func note(_ entry: SimulationTrace.Entry) {
        fingerprint = (fingerprint ^ UInt64(bitPattern: entry.time)) &* 0x100_0000_01b3
        let what = UInt64(bitPattern: entry.value) &* 0x9E37_79B9 ^ UInt64(entry.kind.rawValue) << 56
        fingerprint = (fingerprint ^ what ^ UInt64(UInt32(bitPattern: entry.host)) << 40) &* 0x100_0000_01b3
        fingerprint ^= fingerprint >> 29
        if entries.count < SimulationTrace.eventsMax {
            entries.append(entry)
        } else {
            entries[count % SimulationTrace.eventsMax] = entry
        }
        count += 1
    }

    /// The last events, the oldest of them first.
    func last(_ limit: Int) -> [SimulationTrace.Entry] {
        guard entries.count == SimulationTrace.eventsMax else { return entries.suffix(limit) }
        let start = count % SimulationTrace.eventsMax
        return Array((entries[start...] + entries[..<start]).suffix(limit))
    }
}

extension SimulationTrace.Entry {
    /// What happened, in words.
    var text: String {
        switch kind {
        case .started: "starts"
        case .stopped: "stops"
        case .crashed: "crashes"
        case .restarted: "starts again"
        case .linkChanged: value == 0 ? "a link goes down" : "a link is up"
        case .turn: "turn of loop \(value)"
        case .completion: "completion \(value)"
        case .cancel: value == 0 ? "a cancel ends an operation" : "a cancel comes too late"
        case .connecting: "connects to port \(value)"
        case .connected: "is connected"
        case .refused: "connecting fails: errno \(value)"
        case .accepted: "a connection waits to be accepted"
        case .read: "reads \(value) bytes"
        case .write: "writes \(value) bytes"
        case .reset: "a connection is reset"
        case .closed: "closes descriptor \(value)"
        case .datagramSent: "sends a datagram of \(value) bytes"
        case .datagramLost: "a datagram of \(value) bytes is lost"
        case .datagramDoubled: "a datagram of \(value) bytes is doubled"
        case .datagramRead: "receives a datagram of \(value) bytes"
        case .fileOpened: "opens a file as \(value)"
        case .fileRead: "reads \(value) bytes of a file"
        case .fileWritten: "writes \(value) bytes of a file"
        case .fileSynchronized: "synchronizes a file"
        case .childStarted: "starts child \(value)"
        case .childEnded: "child \(value) ends"
        case .signal: "signal \(value)"
        case .lookup: value == 0 ? "a name is not found" : "a name has \(value) addresses"
        case .work: "an executor's work runs"
        case .time: "time passes"
        case .shortage: "a call finds no room: errno \(value)"
        }
    }
}
