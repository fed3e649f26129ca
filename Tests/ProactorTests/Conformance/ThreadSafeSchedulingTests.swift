import Foundation
import Synchronization
import Testing

@testable import Proactor

@Suite struct ThreadSafeSchedulingTests {
    // Behaviour 5
    @Test(arguments: LoopKind.allCases)
    func anotherThreadWakesASleepingLoop(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var hops = 0
            func hop() {
                hops += 1
                guard hops <= 100 else { return loop.stop() }
                let next = LoopBound(hop, of: loop)
                // Nothing else is scheduled: the loop sleeps, or is about to, when the thread posts.
                Thread { try? next.post { hop in hop() } }.start()
            }
            try loop.callSoon { hop() }
            try loop.runForever()
            #expect(hops == 101)
        }
    }

    // Behaviour 5
    @Test(arguments: LoopKind.allCases)
    func postsOfSeveralThreadsAllRunInTheOrderOfEach(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let threads = 4
            let posts = 2000
            var ran = [[Int]](repeating: [], count: threads)
            let counter = LoopBound<(Int, Int) -> Void>(
                { thread, post in
                    ran[thread].append(post)
                    if ran.allSatisfy({ $0.count == posts }) { loop.stop() }
                },
                of: loop
            )
            for thread in 0..<threads {
                Thread {
                    for post in 0..<posts { try? counter.post { count in count(thread, post) } }
                }.start()
            }
            try loop.runForever()
            for thread in 0..<threads { #expect(ran[thread] == Array(0..<posts)) }
        }
    }

    // Behaviour 5
    @Test(arguments: LoopKind.everywhere)
    func postingToAClosedLoopThrowsAndDropsTheCallback(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lives = LifeCounter()
            let waiting = lives.makeObject()
            try loop.callSoonThreadSafe { waiting.touch() }
            try loop.close()
            let object = lives.makeObject()
            #expect(throws: EventLoopError.closed) { try loop.callSoonThreadSafe { object.touch() } }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aPostBeforeTheFirstRunIsKept(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.callSoonThreadSafe { loop.stop() }
            try loop.runForever()
            #expect(!loop.isRunning)
        }
    }
}
