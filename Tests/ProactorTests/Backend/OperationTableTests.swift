import SystemPackage
import TestSupport
import Testing

@testable import Proactor

@Suite struct OperationTableTests {
    private func operation(_ descriptor: Int32) -> IOOperation {
        .receive(FileDescriptor(rawValue: descriptor))
    }

    @Test func findsWhatWasInserted() throws {
        let table = OperationTable()
        let token = table.insert(operation(7), owner: nil)
        let record = try #require(table.find(token))
        #expect(record.pointee.operation.descriptor?.rawValue == 7)
        #expect(record.pointee.state == .inFlight)
        #expect(token.kind == .receive)
        #expect(table.count == 1)
    }

    // Pitfall 15
    // Pitfall 19
    // Pitfall 20
    @Test func aSlotUsedAgainHasAnotherName() throws {
        let table = OperationTable()
        let first = table.insert(operation(7), owner: nil)
        _ = table.retire(first)
        let second = table.insert(operation(7), owner: nil)
        #expect(second.slot == first.slot)
        #expect(second != first)
        #expect(table.find(first) == nil)
        #expect(table.find(second) != nil)
    }

    @Test func aRetiredOperationIsNotFound() {
        let table = OperationTable()
        let token = table.insert(operation(7), owner: nil)
        #expect(table.retire(token) == nil)
        #expect(table.find(token) == nil)
        #expect(table.count == 0)
    }

    @Test func aTokenOfNoSlotIsNotFound() {
        let table = OperationTable()
        #expect(table.find(OperationToken(kind: .receive, generation: 0, slot: 5)) == nil)
    }

    @Test func growthKeepsEveryOperation() {
        let table = OperationTable(capacity: 2)
        let tokens = (0..<1000).map { table.insert(operation($0), owner: nil) }
        #expect(table.count == 1000)
        #expect(Set(tokens).count == 1000)
        for (number, token) in tokens.enumerated() {
            #expect(table.find(token)?.pointee.operation.descriptor?.rawValue == Int32(number))
        }
        var visited: [OperationToken] = []
        table.forEach { visited.append($0) }
        #expect(visited == tokens)
    }

    @Test func freedSlotsAreUsedBeforeNewOnes() {
        let table = OperationTable()
        let tokens = (0..<10).map { table.insert(operation($0), owner: nil) }
        for token in tokens { _ = table.retire(token) }
        let slots = (0..<10).map { table.insert(operation($0), owner: nil).slot }
        #expect(Set(slots) == Set(0..<10))
    }

    // Pitfall 24
    @Test func anOwnerLivesAsLongAsItsOperation() {
        let table = OperationTable()
        var owner: CompletionRecorder? = CompletionRecorder()
        weak let observed = owner
        let token = table.insert(operation(7), owner: owner)
        owner = nil
        #expect(observed != nil)
        table.retire(token)?.release()
        #expect(observed == nil)
    }

    @Test func aTableThatGoesReleasesTheOwners() {
        var table: OperationTable? = OperationTable()
        var owner: CompletionRecorder? = CompletionRecorder()
        weak let observed = owner
        _ = table?.insert(operation(7), owner: owner)
        owner = nil
        #expect(observed != nil)
        table = nil
        #expect(observed == nil)
    }

    @Test func cancellingKeepsTheRecordUntilItIsRetired() throws {
        let table = OperationTable()
        let token = table.insert(operation(7), owner: nil)
        let record = try #require(table.find(token))
        table.transition(record, to: .parked)
        table.transition(record, to: .inFlight)
        table.transition(record, to: .cancelling)
        #expect(table.find(token)?.pointee.state == .cancelling)
        _ = table.retire(token)
        #expect(table.count == 0)
    }

    @Test(.exitTest) func endingTwiceTraps() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let table = OperationTable()
            let token = table.insert(.receive(FileDescriptor(rawValue: 7)), owner: nil)
            _ = table.retire(token)
            _ = table.retire(token)
        }
        #expect(result.ended(saying: "an operation ended twice"))
    }

    @Test(.exitTest) func aForbiddenTransitionTraps() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let table = OperationTable()
            let token = table.insert(.receive(FileDescriptor(rawValue: 7)), owner: nil)
            guard let record = table.find(token) else { return }
            table.transition(record, to: .cancelling)
            table.transition(record, to: .inFlight)
        }
        #expect(result.ended(saying: "operation went from cancelling to inFlight"))
    }
}
