import Testing

@testable import Proactor

@Suite struct TurnBudgetTests {
    private func spend(_ count: Int, in duration: Duration, _ budget: inout TurnBudget) {
        budget.beginTurn()
        budget.spend(count)
        budget.learn(duration)
    }

    @Test func slowProtocolsGetAsMuchAsTheyDealWithInTwoMilliseconds() {
        var budget = TurnBudget()
        spend(200_000, in: .milliseconds(4), &budget)
        #expect(budget.bytes == 100_000)
        spend(100_000, in: .milliseconds(200), &budget)
        #expect(budget.bytes == 16_384)
    }

    @Test func whatIsCopiedOnIsBoundedByTheBuffers() {
        var budget = TurnBudget()
        for _ in 0..<20 { spend(budget.bytes, in: .microseconds(1), &budget) }
        #expect(budget.bytes == 2 << 20)
        spend(2 << 20, in: .zero, &budget)
        #expect(budget.bytes == 2 << 20)
    }

    @Test func itGrowsByStepsAndShrinksAtOnce() {
        var budget = TurnBudget()
        spend(100_000, in: .milliseconds(100), &budget)
        #expect(budget.bytes == 16_384)
        spend(16_384, in: .microseconds(1), &budget)
        #expect(budget.bytes == 32_768)
    }

    @Test func aFewBytesTeachNothing() {
        var budget = TurnBudget()
        let former = budget.bytes
        spend(8_191, in: .seconds(1), &budget)
        #expect(budget.bytes == former)
    }

    @Test func aShareIsNoMoreThanATurnHas() {
        var budget = TurnBudget()
        #expect(budget.share == 256 << 10 && budget.firstShare == 64 << 10)
        // Nothing is gained by counting where a turn cannot bring too much.
        for _ in 0..<20 { spend(budget.bytes, in: .microseconds(1), &budget) }
        #expect(budget.share == TurnBudget.unlimitedShare && budget.firstShare == 64 << 10)
        spend(budget.bytes, in: .seconds(1), &budget)
        #expect(budget.share == 16_384 && budget.firstShare == 16_384)
    }

    @Test func itLearnsFromWhatCameSinceTheClockWasRead() {
        var budget = TurnBudget()
        budget.beginTurn()
        budget.spend(60_000)
        #expect(!budget.isWorthMeasuring)
        budget.spend(10_000)
        #expect(budget.isWorthMeasuring)
        budget.beginMeasuring()
        budget.spend(8_000)
        budget.learn(.milliseconds(100))
        #expect(budget.bytes == 256 << 10)
        budget.spend(12_000)
        budget.learn(.milliseconds(1))
        #expect(budget.bytes == 40_000)
    }

    @Test func aBudgetOfATestStaysAsItIs() {
        var budget = TurnBudget(bytes: 10, share: 3)
        spend(100_000, in: .seconds(1), &budget)
        #expect(budget.bytes == 10 && budget.share == 3 && budget.firstShare == 3)
        #expect(budget.isSpent)
        budget.beginTurn()
        #expect(!budget.isSpent)
        budget.spend(9)
        #expect(!budget.isSpent)
        budget.spend(1)
        #expect(budget.isSpent)
    }
}
