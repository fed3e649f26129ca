import Testing

@testable import Proactor

struct LoopInstantTests {
    @Test(arguments: [
        (Duration.nanoseconds(5), Int64(5)),
        (Duration(secondsComponent: 0, attosecondsComponent: 1), 1),
        (Duration(secondsComponent: 0, attosecondsComponent: 1_000_000_001), 2),
        (Duration(secondsComponent: 100, attosecondsComponent: 1), 100_000_000_001),
        (Duration.milliseconds(-3), -3_000_000),
        (Duration.seconds(Int64.max), Int64.max),
    ])
    func durationsRoundUpSoThatNothingIsEarly(duration: Duration, nanoseconds: Int64) {
        #expect(duration.nanosecondsRoundedUp == nanoseconds)
    }

    @Test func instantsStayWithinTheClock() {
        let start = LoopInstant(nanoseconds: 10)
        #expect(start.advanced(by: .seconds(Int64.max)).nanoseconds == .max)
        #expect(start.duration(to: LoopInstant(nanoseconds: 4)) == .nanoseconds(-6))
    }
}
