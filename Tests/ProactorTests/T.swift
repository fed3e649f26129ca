import Testing
@testable import Proactor
@Test func durationsRoundUp() { #expect(Duration.nanoseconds(5).nanosecondsRoundedUp == 5) }
