import Glibc
import TestSupport
import Testing

@testable import Proactor

@Suite struct LoopRequestTests {
    @Test func namesAreThoseOfTheLoops() throws {
        #expect(try LoopRequest(named: "") == nil)
        #expect(try LoopRequest(named: "ring") == .ring)
        #expect(try LoopRequest(named: "epoll") == .selector(.epoll))
        #expect(try LoopRequest(named: "poll") == .selector(.poll))
        #expect(try LoopRequest(named: "select") == .selector(.select))
        for name in ["kqueue", "EPOLL", "epoll ", "uring"] {
            let error = #expect(throws: EventLoopError.self) { try LoopRequest(named: name) }
            #expect(error?.description.contains("ring, epoll, poll or select") == true)
            #expect(error?.description.contains("'\(name)'") == true)
        }
    }

    @Test(.exitTest) func theEnvironmentChoosesTheLoop() async {
        await #expect(processExitsWith: .success) {
            for (name, kind) in [("epoll", SelectorKind.epoll), ("poll", .poll), ("select", .select)] {
                setenv("PROACTOR_LOOP", name, 1)
                let loop = try EventLoop()
                #expect(loop.choice == .requestedSelector(kind))
                let backend = try #require(loop.backend as? SelectorBackend)
                #expect(backend.kind == kind)
                try loop.close()
            }
            setenv("PROACTOR_LOOP", "ring", 1)
            do {
                let loop = try EventLoop()
                #expect(loop.choice == .ring)
                try loop.close()
            } catch is RingUnavailable {
                // No selector in its place.
            }
            setenv("PROACTOR_LOOP", "fast", 1)
            #expect(throws: EventLoopError.self) { try EventLoop() }
            #expect(throws: EventLoopError.self) { try run { Issue.record("a loop that is none ran") } }
            unsetenv("PROACTOR_LOOP")
            let loop = try EventLoop()
            if case .requestedSelector = loop.choice { Issue.record("nobody asked for a selector") }
            try loop.close()
        }
    }
}
