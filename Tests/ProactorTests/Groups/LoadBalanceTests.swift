import Testing

@testable import Proactor

/// Which loop gets the next connection, by numbers alone.
@Suite struct LoadBalanceTests {
    private static let second: Int64 = 1_000_000_000

    /// Gives so many connections out, and returns how many each loop has then.
    private func give(_ count: Int, by balance: LoadBalance, to connections: [Int]) -> [Int] {
        var connections = connections
        for _ in 0..<count {
            connections[balance.choose(among: Array(connections.indices), connections: connections)] += 1
        }
        return connections
    }

    @Test func amongIdleLoopsTheNumberOfConnectionsDecides() {
        let balance = LoadBalance(count: 4)
        #expect(give(40, by: balance, to: [0, 0, 0, 0]) == [10, 10, 10, 10])
        #expect(give(9, by: balance, to: [7, 2, 9, 0]) == [7, 6, 9, 5])
    }

    @Test func aBusyLoopGetsNoneWhateverItHas() {
        var balance = LoadBalance(count: 3)
        balance.look(at: 0, busy: [0, 0, 0], connections: [0, 0, 0])
        // The second is held up, and has nothing of the server's.
        balance.look(at: Self.second, busy: [0, Self.second, 0], connections: [0, 0, 0])
        #expect(give(100, by: balance, to: [0, 0, 0]) == [50, 0, 50])
        // It is free again a second later.
        balance.look(at: 2 * Self.second, busy: [0, Self.second, 0], connections: [50, 0, 50])
        #expect(give(50, by: balance, to: [50, 0, 50]) == [50, 50, 50])
    }

    @Test func fewThatAskMuchWeighMoreThanManyThatDoNot() {
        var balance = LoadBalance(count: 2)
        balance.look(at: 0, busy: [0, 0], connections: [10, 200])
        balance.look(at: Self.second, busy: [Self.second * 9 / 10, 0], connections: [10, 200])
        #expect(give(10, by: balance, to: [10, 200]) == [10, 210])
    }

    /// Until the next look, a connection is thought to cost what those cost that there are.
    @Test func aBurstDoesNotGoToOneLoopForBeingIdleAtTheLastLook() {
        var balance = LoadBalance(count: 2)
        balance.look(at: 0, busy: [0, 0], connections: [50, 0])
        balance.look(at: Self.second, busy: [Self.second, 0], connections: [50, 0])
        let given = give(200, by: balance, to: [50, 0])
        // Fifty at two hundredths each make the second as busy as the first; from there on the fewest count.
        #expect(given == [125, 125])
    }

    @Test func onlyCandidatesAreChosen() {
        let balance = LoadBalance(count: 3)
        #expect(balance.choose(among: [2], connections: [0, 0, 9]) == 2)
        #expect(balance.choose(among: [0, 2], connections: [5, 0, 4]) == 2)
    }

    @Test func aLookIsDueEveryTenthOfASecond() {
        var balance = LoadBalance(count: 1)
        #expect(balance.isDue(at: 0))
        balance.look(at: 5, busy: [0], connections: [0])
        #expect(!balance.isDue(at: 5 + Self.second / 10 - 1) && balance.isDue(at: 5 + Self.second / 10))
    }

    @Test func aLoadIsWhatPassesOutsideOfTheWait() {
        let load = LoopLoad(at: 100)
        #expect(load.busy(at: 100) == 0 && load.busy(at: 130) == 30 && !load.isAsleep)
        load.fallAsleep(at: 150)
        #expect(load.busy(at: 150) == 50 && load.busy(at: 900) == 50 && load.isAsleep)
        load.wakeUp(at: 1000)
        #expect(load.busy(at: 1000) == 50 && load.busy(at: 1007) == 57)
        // A turn that does not wait changes nothing.
        load.wakeUp(at: 1010)
        #expect(load.busy(at: 1020) == 70)
        load.fallAsleep(at: 1020)
        load.fallAsleep(at: 1040)
        #expect(load.busy(at: 2000) == 70)
    }
}
