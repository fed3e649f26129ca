import Foundation
import Testing

@testable import loopbench

/// Micro-benchmarks beside the same by programs from elsewhere.
struct TwinTests {
    private static func twin(_ name: String, _ script: String = "") -> Twin {
        Twin(name: name, command: ["sh", "-c", script])
    }

    /// Each measures once a round, and the ratio is of what they have found in it.
    @Test func aRatioIsOfOneRound() throws {
        var measured: [String: Int] = [:]
        var figure = TwinnedFigure(
            topic: .awaiting,
            name: "waiting",
            unit: "µs",
            decimals: 1,
            unitNanoseconds: 1_000,
            ratio: .speed(over: "other", .atLeast(3)),
            twins: [Self.twin("third"), Self.twin("other")],
            own: { kind in
                measured[kind.rawValue, default: 0] += 1
                return 2_000 * Double(measured[kind.rawValue] ?? 0)
            },
            other: { twin in
                measured[twin.name, default: 0] += 1
                return twin.name == "other" ? 12_000 : 1
            }
        )
        let rows = figure.benchmarks(on: [.proactor, .epoll])
        #expect(rows.map(\.loop) == ["proactor", "epoll", "third", "other", "proactor"])
        #expect(Set(rows.dropLast().map(\.name)) == ["waiting"])
        #expect(rows.last?.name == "waiting, speed over other's" && rows.last?.bar == .atLeast(3))
        #expect(try rows.map { try $0.measure() } == [2, 2, 0.001, 12, 6])
        #expect(try rows.map { try $0.measure() } == [4, 4, 0.001, 12, 3])
        #expect(measured == ["proactor": 2, "epoll": 2, "third": 2, "other": 2])
        // By itself it measures both.
        #expect(try rows.last?.measure() == 2)
        #expect(measured == ["proactor": 3, "epoll": 2, "third": 2, "other": 3])
        figure.ratio = .time(over: "other", .atMost(0.5))
        let ofTime = try #require(figure.benchmarks(on: [.epoll]).last)
        #expect(ofTime.name == "waiting, time over other's" && ofTime.loop == "epoll")
        // Bars are for the ring.
        #expect(ofTime.bar == .none)
        #expect(try ofTime.measure() == 0.5)
    }

    @Test func thereIsNoRatioToWhatIsMissing() {
        let figure = TwinnedFigure(
            topic: .awaiting,
            name: "waiting",
            unit: "ns",
            decimals: 0,
            unitNanoseconds: 1,
            ratio: .speed(over: "other", .none),
            twins: [Self.twin("third")],
            own: { _ in 1 },
            other: { _ in 1 }
        )
        #expect(figure.benchmarks(on: [.proactor]).map(\.loop) == ["proactor", "third"])
    }

    @Test func aTwinPrintsItsFigure() throws {
        #expect(try Self.twin("one", "echo 12.5").nanoseconds("queue", count: 10) == 12.5)
        // What it is asked for comes last.
        #expect(try Self.twin("one", "echo $1").nanoseconds("queue", count: 10) == 10)
    }

    @Test(arguments: ["echo much", "exit 1", "echo 5; exit 1", "echo no such thing >&2; exit 3"])
    func aTwinThatFailsSaysWhy(_ script: String) throws {
        let problem = try #require(throws: DemoProblem.self) {
            try Self.twin("one", script).nanoseconds("queue", count: 10)
        }
        #expect(problem.description.contains("failed") && problem.description.contains("queue"))
        #expect(problem.description.contains("no such thing") == script.contains("no such thing"))
    }

    @Test func aTwinThatIsMissingSaysSo() throws {
        let twin = Twin(name: "one", command: ["/nowhere/twin"])
        let problem = try #require(throws: DemoProblem.self) { try twin.nanoseconds("queue", count: 10) }
        #expect(problem.description == "/nowhere/twin does not start: No such file or directory")
    }

    /// Those that are here know every operation.
    @Test(arguments: Twin.installed.map(\.name))
    func twinsKnowEveryOperation(_ name: String) throws {
        let twin = try #require(Twin.installed.first { $0.name == name })
        let awaited = name == "go" ? [] : AwaitedOperation.allCases.map(\.rawValue)
        for operation in awaited + ["communicate", "read"] {
            #expect(try twin.nanoseconds(operation, count: 10) > 0)
        }
    }

    @Test(arguments: AwaitedOperation.allCases)
    func eachOperationRunsOnEveryLoop(_ operation: AwaitedOperation) throws {
        for kind in LoopKind.allCases {
            #expect(try operation.nanoseconds(on: kind, steps: 1) > 0)
            #expect(try operation.nanoseconds(on: kind, steps: 30) > 0)
        }
    }
}
