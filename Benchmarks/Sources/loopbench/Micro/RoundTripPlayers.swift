import Proactor

/// Two loops that post to each other until all trips are made, and stop then.
///
/// `@unchecked Sendable`: `left` is used on the asking loop's thread only.
final class RoundTripPlayers: @unchecked Sendable {
    private let asking: BaseEventLoop
    private let answering: BaseEventLoop
    private var left: Int

    init(asking: BaseEventLoop, answering: BaseEventLoop, trips: Int) {
        self.asking = asking
        self.answering = answering
        left = trips
    }

    func start() throws {
        try asking.callSoonThreadSafe { try self.ask() }
    }

    private func ask() throws {
        guard left > 0 else {
            try answering.callSoonThreadSafe { self.answering.stop() }
            return asking.stop()
        }
        left -= 1
        try answering.callSoonThreadSafe { try self.asking.callSoonThreadSafe { try self.ask() } }
    }
}
