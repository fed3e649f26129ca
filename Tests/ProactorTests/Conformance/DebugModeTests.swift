import TestSupport
import Testing

@testable import Proactor

@Suite struct DebugModeTests {
    // Behaviour 10
    @Test(arguments: LoopKind.allCases)
    func slowCallbacksAreLoggedInDebugModeOnly(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            loop.slowCallbackDuration = .milliseconds(2)
            func linesOfASlowTurn() throws -> [String] {
                try LogCapture.lines {
                    try loop.callSoon {
                        let end = loop.time().advanced(by: .milliseconds(3))
                        while loop.time() < end {}
                    }
                    loop.stop()
                    try loop.runForever()
                }
            }
            loop.debug = false
            let quiet = try linesOfASlowTurn()
            #expect(quiet.isEmpty)
            loop.debug = true
            let lines = try linesOfASlowTurn()
            #expect(lines.contains { $0.contains("took") && $0.contains("event loop") })
        }
    }

    // Behaviour 10
    @Test(.exitTest) func callsFromTheWrongThreadAreRefused() async {
        let callSoon = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let loop = try SelectorEventLoop()
            loop.stop()
            try loop.runForever()
            _ = try await onThread { try loop.callSoon {} }
        }
        #expect(callSoon.ended(saying: "callSoon was called from a thread that is not the event loop's"))
        let createTask = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let loop = try SelectorEventLoop()
            loop.stop()
            try loop.runForever()
            _ = try await onThread { loop.createTask {} }
        }
        #expect(createTask.ended(saying: "createTask was called from a thread"))
    }

    // Behaviour 10
    @Test(arguments: LoopKind.allCases)
    func runningALoopOfAnotherThreadThrows(kind: LoopKind) async throws {
        let loop = try await onThread {
            let loop = try kind.makeLoop()
            loop.stop()
            try loop.runForever()
            return loop
        }
        let running = try #require(loop)
        let result = try await onThread {
            #expect(throws: EventLoopError.wrongThread(call: "runForever")) { try running.runForever() }
            return true
        }
        #expect(result == true)
    }
}
