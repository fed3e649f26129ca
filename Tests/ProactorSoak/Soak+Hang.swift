@testable import Proactor

extension Soak {
    /// No scenario may take longer.
    private static let scenarioLimit = Duration.seconds(30)
    /// How long the group's loops have to answer a question.
    private static let answerLimit = Duration.seconds(5)

    /// Ends the program when a scenario takes too long, with what the loops have under way. To be cancelled by who asks for it.
    func limit(_ scenario: String) throws -> TimerHandle {
        try loop.callLater(Self.scenarioLimit) {
            let own = self.underWay
            // Said in any case: a loop of the group that hangs does not answer.
            _ = try self.loop.callLater(Self.answerLimit) {
                self.end(scenario, own + ["the group does not answer"])
            }
            self.loop.createTask { try await self.end(scenario, own + self.underWayInGroup()) }
        }
    }

    private func end(_ scenario: String, _ states: [String]) -> Never {
        fatalError("a scenario of the soak hangs: \(scenario)\n    \(states.joined(separator: "\n    "))")
    }

    private func underWayInGroup() async throws -> [String] {
        try await group.runOnEach { loop in
            (loop as? BaseEventLoop)?.openTransports.members.map { "of the group: \($0)" } ?? []
        }.flatMap { $0 }
    }

    private var underWay: [String] {
        leftBehind() + loop.openTransports.members.map { "\($0)" }
    }
}
