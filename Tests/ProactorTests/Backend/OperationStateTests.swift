import Testing

@testable import Proactor

@Suite struct OperationStateTests {
    private static let all: [OperationState] = [.free, .inFlight, .parked, .cancelling]

    @Test(arguments: all) func onlyThePicturesArrowsAreAllowed(from state: OperationState) {
        let expected: Set<OperationState> =
            switch state {
            case .free: [.inFlight]
            case .inFlight: [.parked, .cancelling, .free]
            case .parked: [.inFlight, .free]
            case .cancelling: [.free]
            }
        #expect(Set(Self.all.filter(state.allows)) == expected)
    }
}
