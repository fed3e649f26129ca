import TestSupport
import Testing

@testable import Proactor

@Suite struct LoopLookupTests {
    @Test(arguments: LoopKind.allCases)
    func theRunningLoopIsSeenInCallbacksAndTasksOnly(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            #expect(throws: EventLoopError.noRunningLoop) { try getRunningLoop() }
            var seen: [ObjectIdentifier] = []
            try loop.callSoon { seen.append(ObjectIdentifier(try getRunningLoop())) }
            let task = loop.createTask {
                seen.append(ObjectIdentifier(try getRunningLoop()))
                await #expect(throws: EventLoopError.noRunningLoop) {
                    try await Task.detached(priority: .high) { _ = try getRunningLoop() }.value
                }
                seen.append(ObjectIdentifier(try getEventLoop()))
            }
            try loop.runUntilComplete(task)
            #expect(seen == Array(repeating: ObjectIdentifier(loop), count: 3))
            #expect(throws: EventLoopError.noRunningLoop) { try getRunningLoop() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aThreadHasTheLoopThatWasSetOnIt(kind: LoopKind) async throws {
        try await kind.withLoop { loop throws in
            #expect(throws: EventLoopError.noCurrentLoop) { try getEventLoop() }
            setEventLoop(loop)
            #expect(try getEventLoop() === loop)
            setEventLoop(nil)
            #expect(throws: EventLoopError.noCurrentLoop) { try getEventLoop() }
            // What is set when the thread ends is released with it: withLoop sees whether the loop goes.
            setEventLoop(loop)
        }
        let other = try await onThread { (try? getEventLoop()) == nil }
        #expect(other == true)
    }

    @Test(.exitTest) func aPolicyOfOnesOwnMakesTheLoops() async {
        await #expect(processExitsWith: .success) {
            final class PollPolicy: EventLoopPolicy {
                let standard = DefaultEventLoopPolicy()

                func getEventLoop() throws(EventLoopError) -> any AbstractEventLoop {
                    try standard.getEventLoop()
                }
                func setEventLoop(_ loop: (any AbstractEventLoop)?) { standard.setEventLoop(loop) }
                func newEventLoop() throws -> any AbstractEventLoop { try SelectorEventLoop(selector: .poll) }
            }
            setEventLoopPolicy(PollPolicy())
            guard getEventLoopPolicy() is PollPolicy else { throw TestError(number: 1) }
            let kind = try await onThread {
                try run { (try getRunningLoop() as? SelectorEventLoop)?.selector }
            }
            guard kind == .poll else { throw TestError(number: 2) }
            setEventLoopPolicy(nil)
            guard getEventLoopPolicy() is DefaultEventLoopPolicy else { throw TestError(number: 3) }
        }
    }
}
