import CLoad
import CMicro
import Foundation
import Proactor

extension MicroBenchmark {
    static func posts(on kind: LoopKind, _ sizes: MicroSizes) -> [MicroBenchmark] {
        let count = sizes.posts
        return [
            MicroBenchmark(
                topic: .posts,
                name: "callSoonThreadSafe",
                loop: kind.rawValue,
                unit: "million/s",
                bar: sizes.bar(.atLeast(6))
            ) {
                try withLoop(kind) { loop in
                    try loop.callSoon {
                        Thread.detachNewThread {
                            for _ in 0..<count { try? loop.callSoonThreadSafe(Self.nothing) }
                            try? loop.callSoonThreadSafe { loop.stop() }
                        }
                    }
                    return Double(count) / (try secondsTaken { try loop.runForever() }) / 1e6
                }
            }
        ]
    }

    private static let nothing: @Sendable () throws -> Void = {}

    /// Two loops on two threads that wake each other, against two threads that do it with bare eventfds.
    static func roundTrips(_ sizes: MicroSizes) -> [MicroBenchmark] {
        let trips = sizes.trips
        var all = [
            MicroBenchmark(
                topic: .roundTrips,
                name: "round trip, bare eventfds",
                loop: "-",
                unit: "thousand/s"
            ) { try bareRoundTrips(trips) }
        ]
        if sizes.loops.contains(.proactor) {
            var withoutMessages = RingConfiguration()
            withoutMessages.messageWakeUp = false
            let eventfdRing = withoutMessages
            all.append(
                roundTrip("proactor, eventfd", trips) { try ProactorEventLoop(configuration: eventfdRing) }
            )
        }
        all += sizes.loops.map { kind in roundTrip(kind.rawValue, trips) { try kind.makeLoop() } }
        guard sizes.loops.contains(.proactor) else { return all }
        return all + [
            MicroBenchmark(
                topic: .roundTrips,
                name: "round trip over an eventfd's",
                loop: "proactor",
                unit: "×",
                bar: sizes.bar(.atLeast(1.3))
            ) {
                let bare = try bareRoundTrips(trips)
                return try loopRoundTrips(trips) { try ProactorEventLoop() } / bare
            }
        ]
    }

    private static func roundTrip(
        _ name: String,
        _ trips: Int,
        _ makeLoop: @escaping @Sendable () throws -> BaseEventLoop
    ) -> MicroBenchmark {
        MicroBenchmark(topic: .roundTrips, name: "round trip between loops", loop: name, unit: "thousand/s") {
            try loopRoundTrips(trips, makeLoop)
        }
    }

    private static func bareRoundTrips(_ trips: Int) throws -> Double {
        let nanoseconds = cmicro_eventfd_round_trips(UInt64(trips))
        guard nanoseconds > 0 else { throw DemoProblem("the eventfds could not be set up") }
        return Double(trips) * 1e6 / Double(nanoseconds)
    }

    /// Each loop runs on a thread of its own, pinned as the bare ones are.
    private static func loopRoundTrips(
        _ trips: Int,
        _ makeLoop: @Sendable () throws -> BaseEventLoop
    ) throws -> Double {
        let (asking, answering) = (try makeLoop(), try makeLoop())
        let players = RoundTripPlayers(asking: asking, answering: answering, trips: trips)
        let bothEnded = DispatchGroup()
        for (loop, cpu) in [(asking, Int32(0)), (answering, 1)] {
            bothEnded.enter()
            Thread.detachNewThread {
                // On one CPU it fails, and both threads share that one.
                _ = cload_pin(cpu)
                do { try loop.runForever() } catch { fatalError("a loop could not run: \(error)") }
                do { try loop.close() } catch { fatalError("a loop could not be closed: \(error)") }
                bothEnded.leave()
            }
        }
        let seconds = try secondsTaken {
            try players.start()
            bothEnded.wait()
        }
        return Double(trips) / seconds / 1_000
    }
}
