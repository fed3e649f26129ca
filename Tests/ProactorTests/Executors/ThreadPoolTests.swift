import CPosix
import Foundation
import Synchronization
import SystemPackage
import Testing

@testable import Proactor

@Suite struct ThreadPoolTests {
    @Test func threadsAreStartedAsWorkComesUpToTheLimit() throws {
        let pool = ThreadPool(threadsMax: 2)
        #expect(pool.threadCount == 0)
        let gate = Gate()
        try pool.submit { gate.pass() }
        #expect(pool.threadCount == 1)
        for _ in 0..<4 { try pool.submit { gate.pass() } }
        #expect(gate.waitFor(arrivals: 2))
        #expect(pool.threadCount == 2)
        gate.open()
        pool.shutdownAndWait()
        #expect(gate.arrived == 5)
        #expect(gate.waitingMost == 2)
    }

    @Test func theDefaultLimitIsAsTheReferenceHasIt() {
        #expect(ThreadPool.defaultThreadsMax == min(32, ProcessorCount.online + 4))
        #expect(ThreadPool().threadsMax == ThreadPool.defaultThreadsMax)
    }

    @Test func oneThreadWorksInOrder() throws {
        let pool = ThreadPool(threadsMax: 1)
        let order = Record<Int>()
        for number in 0..<500 { try pool.submit { order.append(number) } }
        pool.shutdownAndWait()
        #expect(order.entries == Array(0..<500))
    }

    @Test func threadsBearThePoolsName() throws {
        let pool = ThreadPool(name: "a-rather-long-name", threadsMax: 1)
        let names = Record<String>()
        try pool.submit { names.append(currentThreadName()) }
        pool.shutdownAndWait()
        #expect(names.entries == ["a-rather-long-0"])
    }

    @Test func idleThreadsEndAndTheNextWorkStartsOne() throws {
        let pool = ThreadPool(threadsMax: 2, idleTimeout: .milliseconds(1))
        let threads = Record<UInt64>()
        for _ in 0..<2 {
            try pool.submit { threads.append(cposix_thread_id()) }
            // Its end cannot be waited for otherwise: nobody is told.
            let deadline = ContinuousClock.now + TestLimit.wait
            while pool.threadCount > 0, ContinuousClock.now < deadline { cposix_yield() }
            #expect(pool.threadCount == 0)
        }
        #expect(Set(threads.entries).count == 2)
    }

    @Test func aWaitingThreadTakesTheNextWork() throws {
        let pool = ThreadPool(threadsMax: 1, idleTimeout: .seconds(1000))
        let threads = Record<UInt64>()
        for round in 1...3 {
            let gate = Gate()
            gate.open()
            try pool.submit {
                threads.append(cposix_thread_id())
                gate.pass()
            }
            #expect(gate.waitFor(arrivals: 1), "round \(round)")
        }
        pool.shutdownAndWait()
        #expect(Set(threads.entries).count == 1)
    }

    @Test func shutdownRunsWhatWasTakenAndRefusesTheRest() throws {
        let pool = ThreadPool(name: "crew", threadsMax: 1)
        let gate = Gate()
        let order = Record<String>()
        try pool.submit { gate.pass() }
        try pool.submit { order.append("queued") }
        let over = Gate()
        for number in 0..<2 {
            pool.shutdown {
                order.append("over \(number)")
                over.pass()
            }
        }
        #expect(throws: ExecutorError.shutDown(name: "crew")) { try pool.submit { order.append("refused") } }
        #expect(order.entries.isEmpty)
        over.open()
        gate.open()
        #expect(over.waitFor(arrivals: 2))
        #expect(order.entries == ["queued", "over 0", "over 1"])
        #expect(pool.threadCount == 0)
    }

    @Test func aPoolWithoutThreadsIsShutDownAtOnce() {
        let order = Record<Int>()
        ThreadPool().shutdown { order.append(1) }
        #expect(order.entries == [1])
    }

    @Test func withoutAnyThreadTheWorkIsRefused() {
        let life = LifeCounter()
        let pool = ThreadPool(name: "none", threadsMax: 1, idleTimeout: .seconds(1)) { _, _ throws(Errno) in
            throw .resourceTemporarilyUnavailable
        }
        #expect(throws: ExecutorError.noThread(.resourceTemporarilyUnavailable)) {
            let object = life.makeObject()
            try pool.submit { object.touch() }
        }
        #expect(life.alive == 0)
        #expect(pool.threadCount == 0)
    }

    @Test func withFewerThreadsThanAllowedTheWorkWaits() throws {
        let threadsLeft = Atomic<Int>(1)
        let pool = ThreadPool(name: "few", threadsMax: 4, idleTimeout: .seconds(10)) {
            name,
            body throws(Errno) in
            guard threadsLeft.subtract(1, ordering: .relaxed).oldValue > 0 else {
                throw .resourceTemporarilyUnavailable
            }
            try SystemThread.start(name: name, body)
        }
        let gate = Gate()
        for _ in 0..<3 { try pool.submit { gate.pass() } }
        #expect(gate.waitFor(arrivals: 1))
        #expect(pool.threadCount == 1)
        gate.open()
        pool.shutdownAndWait()
        #expect(gate.arrived == 3)
        #expect(gate.waitingMost == 1)
    }

    @Test func manyThreadsSubmittingLoseNothing() throws {
        let pool = ThreadPool(threadsMax: 3, idleTimeout: .zero)
        let done = Atomic<Int>(0)
        let submitters = (0..<4).map { _ in
            TestThread {
                for _ in 0..<2000 { try? pool.submit { done.add(1, ordering: .relaxed) } }
            }
        }
        for submitter in submitters { submitter.join() }
        pool.shutdownAndWait()
        let count = done.load(ordering: .relaxed)
        #expect(count == 8000)
    }

    @Test func workIsReleasedWhenItIsDone() throws {
        let life = LifeCounter()
        let pool = ThreadPool(threadsMax: 1)
        try pool.submit { [object = life.makeObject()] in object.touch() }
        let gate = Gate()
        try pool.submit { gate.pass() }
        #expect(gate.waitFor(arrivals: 1))
        #expect(life.alive == 0)
        gate.open()
        pool.shutdownAndWait()
    }

    /// One that has been woken and has not taken its work yet is free no longer.
    @Test func twoPiecesOfWorkDoNotWaitForOneIdleThread() throws {
        for _ in 0..<50 {
            let pool = ThreadPool(threadsMax: 2, idleTimeout: .seconds(1000))
            let first = Gate()
            first.open()
            try pool.submit { first.pass() }
            #expect(first.waitFor(arrivals: 1))
            // Each goes on when the other has come too.
            let both = Gate()
            for _ in 0..<2 {
                try pool.submit {
                    both.pass()
                }
            }
            #expect(both.waitFor(arrivals: 2))
            both.open()
            pool.shutdownAndWait()
        }
    }
}

extension WorkExecutor {
    /// Returns when the last of the work is done.
    func shutdownAndWait() {
        let over = Gate()
        over.open()
        shutdown { over.pass() }
        #expect(over.waitFor(arrivals: 1))
    }
}

func currentThreadName() -> String {
    let text = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
    return text?.trimmingCharacters(in: .newlines) ?? ""
}
