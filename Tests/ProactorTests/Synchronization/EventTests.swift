import Testing

@testable import Proactor

// Behaviour 40
@Suite struct EventTests {
    @Test(arguments: LoopKind.allCases)
    func allWhoWaitGoOnInTheirOrder(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let event = Event()
            var order: [Int] = []
            let tasks = (0..<5).map { number in
                loop.createTask {
                    try await event.wait()
                    order.append(number)
                }
            }
            try loop.settle(turns: 3)
            #expect(order.isEmpty)
            event.set()
            // Those that were woken go on, although it is cleared before they do.
            event.clear()
            for task in tasks { try loop.runUntilComplete(task) }
            #expect(order == Array(0..<5))
            #expect(!event.isSet)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func onceSetNobodyWaits(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let event = Event()
            event.set()
            event.set()
            try loop.run { try await event.wait() }
            event.clear()
            let waiting = loop.createTask { try await event.wait() }
            try loop.settle(turns: 3)
            #expect(!waiting.done)
            waiting.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(waiting) }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelLeavesTheOthersWaiting(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let event = Event()
            let tasks = (0..<3).map { _ in loop.createTask { try await event.wait() } }
            try loop.settle(turns: 3)
            tasks[1].cancel()
            try loop.settle(turns: 3)
            #expect(tasks.map(\.done) == [false, true, false])
            event.set()
            // In the turn in which it was woken.
            tasks[2].cancel()
            try loop.runUntilComplete(tasks[0])
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(tasks[2]) }
        }
    }
}
