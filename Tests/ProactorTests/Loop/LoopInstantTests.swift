import Testing

@testable import Proactor

struct LoopInstantTests {
    static let durations: [(Duration, Int64)] = [
        (.nanoseconds(5), 5),
        (Duration(secondsComponent: 0, attosecondsComponent: 1), 1),
        (Duration(secondsComponent: 0, attosecondsComponent: 1_000_000_001), 2),
        (Duration(secondsComponent: 100, attosecondsComponent: 1), 100_000_000_001),
        (.milliseconds(-3), -3_000_000),
        (.seconds(Int64.max), .max),
    ]

    @Test(arguments: durations)
    func durationsRoundUpSoThatNothingIsEarly(duration: Duration, nanoseconds: Int64) {
        #expect(duration.nanosecondsRoundedUp == nanoseconds)
    }

    @Test func instantsStayWithinTheClock() {
        let start = LoopInstant(nanoseconds: 10)
        #expect(start.advanced(by: .seconds(Int64.max)).nanoseconds == .max)
        #expect(start.duration(to: LoopInstant(nanoseconds: 4)) == .nanoseconds(-6))
    }
}
