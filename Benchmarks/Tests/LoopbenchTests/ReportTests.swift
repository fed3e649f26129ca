import Foundation
import Testing

@testable import loopbench

struct ReportTests {
    private static let names = ["c-ring", "c-epoll", "proactor", "epoll", "mine <&>"]

    private static var report: Report {
        let steady: [(String, [UInt64])] = names.enumerated().map { index, name in
            (name, (0..<5).map { UInt64(100_000 - 10_000 * index + 100 * $0) })
        }
        var report = Samples.report([
            Samples.result("echo-64Bx50", steady), Samples.result("stream-out-64KiBx1", steady),
            Samples.result("idle-1000", steady), Samples.result("echo-64Bx50@20000", steady),
        ])
        report.micro = [
            MicroResult(
                name: "callSoon",
                loop: "epoll",
                unit: "million/s",
                decimals: 2,
                bar: .atLeast(20),
                values: [19, 18, 17]
            )
        ]
        report.skipped = ["absent: not installed"]
        return report
    }

    @Test func survivesJSON() throws {
        let report = Self.report
        let again = try Report(json: try report.json())
        #expect(try again.json() == report.json())
        #expect(again.contenders == Self.names)
        #expect(again.results[3].workload.rate == 20_000)
        #expect(again.date == report.date)
    }

    /// A file of another version is not half understood.
    @Test func anotherFormatIsRefused() throws {
        var report = Self.report
        report.format = Report.currentFormat + 1
        let newer = try report.json()
        let error = #expect(throws: (any Error).self) { try Report(json: newer) }
        #expect("\(try #require(error))".contains("format 2"))
    }

    /// Files that can be written, and those that cannot.
    @Test func whereAFileCannotBeIsSaid() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "loopbench-test-\(UUID().uuidString)"
        )
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "made/a.json").path
        try checkThatCanBeWritten(file)
        #expect(!FileManager.default.fileExists(atPath: file), "nothing is written by that")
        for text in ["first", "second"] {
            try write(Data(text.utf8), to: file)
            try checkThatCanBeWritten(file)
            #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
        }
        let link = folder.appending(path: "link").path
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
        try write(Data("third".utf8), to: link)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "third", "a link is followed")
        for (path, cause) in [
            (folder.path, "Is a directory"), ("\(file)/b.json", "exists"),
            ("/proc/nope/a.json", "No such file"),
        ] {
            let check = #expect(throws: WriteFailure.self) { try checkThatCanBeWritten(path) }
            #expect(check?.description.contains(cause) == true, "\(check?.description ?? "")")
        }
        let full = #expect(throws: WriteFailure.self) { try write(Data("much".utf8), to: "/dev/full") }
        #expect(full?.description == "/dev/full cannot be written: No space left on device")
    }

    /// A directory of plots may have others' drawings in it.
    @Test func onlyItsOwnPlotsAreReplaced() {
        for result in Self.report.results { #expect(WorkloadResult.isPlateName(result.plateName)) }
        for name in ["logo.svg", "echo-64Bx50.png", "echo-64Bx50", ".svg", "echo.svg"] {
            #expect(!WorkloadResult.isPlateName(name))
        }
    }

    /// A contender that mostly fails must not look as if nothing had been.
    @Test func failedRoundsAreNamed() {
        var result = Samples.result("echo-64Bx50", [("a", [100, 100]), ("ab", [100, 100])])
        result.rounds[1].measurements.removeLast()
        result.rounds[1].failures = ["ab: ended with status 7"]
        #expect(result.notes(on: "a").isEmpty)
        #expect(result.notes(on: "ab") == ["failed in 1 of 2 rounds"])
    }

    /// Whoever lets another process serve has no processor time of its own.
    @Test func noProcessorTimeIsDoubted() {
        var result = Samples.result("echo-64Bx50", [("a", [100_000])])
        #expect(result.notes(on: "a").isEmpty)
        result.rounds[0].measurements[0].serverCPUNanoseconds = 900_000
        #expect(
            result.notes(on: "a") == ["used no CPU time: did a process serve that is none of its children?"]
        )
    }

    @Test func corruptMemoryIsAWarningToo() {
        var result = Samples.result("idle-5", [("a", [5])])
        result.rounds[0].measurements[0].corruptions = 1
        #expect(HTMLReport(Samples.report([result])).page().contains("worth nothing"))
    }

    @Test func pageHasEveryContenderAndNeedsNothing() throws {
        let page = HTMLReport(Self.report).page()
        for name in Self.names { #expect(page.contains(escaped(name))) }
        for result in Self.report.results {
            #expect(page.contains("id=\"\(result.workload.name.replacing("@", with: "-at-"))\""))
        }
        #expect(!page.contains("mine <&>"), "names are escaped")
        #expect(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"))
        #expect(page.contains("prefers-color-scheme:dark") && page.contains("width=device-width"))
        #expect(
            page.contains("callSoon") && page.contains("missed") && page.contains("absent: not installed")
        )
        #expect(page.contains("open loop") && page.contains("closed loop"))
        try checkIsWellFormed(page.replacing("<!DOCTYPE html>", with: ""))
    }

    @Test func plotsStandAlone() throws {
        let report = Self.report
        for result in report.results {
            let plate = result.plate(order: report.contenders).standalone()
            for name in Self.names { #expect(plate.contains(escaped(name))) }
            try checkIsWellFormed(plate)
        }
    }

    @Test func tableHasEveryContenderAndTheLoop() {
        let text = Self.report.text()
        for name in Self.names { #expect(text.contains(name)) }
        #expect(text.contains("closed") && text.contains("open") && text.contains("skipped: absent"))
    }

    @Test func documentKeepsWhatIsAround() throws {
        let document = "before\n\(MarkdownReport.begin)\nold\n\(MarkdownReport.end)\nafter\n"
        let report = MarkdownReport(Self.report, plots: "plots")
        let written = try #require(report.inserted(into: document))
        #expect(
            written.hasPrefix("before\n") && written.hasSuffix("\nafter\n") && !written.contains("\nold\n")
        )
        #expect(written.contains("(plots/echo-64Bx50.svg)"))
        for name in Self.names { #expect(written.contains("| \(name) |")) }
        #expect(report.inserted(into: written) == written, "again changes nothing")
        #expect(report.inserted(into: "no place") == nil)
    }

    @Test func ratiosAreFormedRoundByRound() {
        // Each round the machine is half as fast; the ratio stays.
        let result = Samples.result(
            "echo-64Bx50",
            [("c-ring", [80_000, 40_000, 20_000]), ("proactor", [40_000, 20_000, 10_000])]
        )
        let ratio = result.ratio(of: "proactor", to: "c-ring", .throughput)
        #expect(ratio == Summary([0.5, 0.5, 0.5]))
        #expect(result.ranking(by: .throughput) == ["c-ring", "proactor"])
        #expect(result.ranking(by: .cpu) == ["c-ring", "proactor"])
    }

    /// A median of ratios says little without how far they lie apart.
    @Test func ratiosHaveASpread() throws {
        let result = Samples.result(
            "echo-64Bx50",
            [("c-ring", [100, 100, 100]), ("proactor", [80, 100, 120])]
        )
        var report = Samples.report([result])
        report.skipped = ["select in idle-5000: holds 1000 connections at most"]
        for text in [HTMLReport(report).page(), MarkdownReport(report, plots: nil).markdown()] {
            #expect(text.contains("1.00 ± 20 %") && text.contains("1.00 ± 0.0 %"))
            #expect(text.contains("select in idle-5000"))
        }
        let row = try #require(report.text().split(separator: "\n").first { $0.contains("proactor") })
        #expect(row.matches(of: /1\.000 +20 %/).count == 1)
    }

    @Test func doubtsAreMarked() throws {
        var result = Samples.result(
            "echo-64Bx50@100000",
            [("a", [50_000, 50_000]), ("b", [100_000, 100_000])]
        )
        for round in 0..<2 {
            for index in 0..<2 { result.rounds[round].measurements[index].scheduled = 100_000 }
        }
        result.rounds[0].measurements[1].otherLoad = 0.5
        result.rounds[1].measurements[1].loadWaiting = 0.1
        result.rounds[1].measurements[1].errors = 3
        result.rounds[1].measurements[1].corruptions = 1
        #expect(result.notes(on: "a") == ["kept up with 50 % of the rate"])
        let notes = result.notes(on: "b")
        #expect(notes == ["contested: 2 of 2 rounds", "3 errors", "CORRUPT DATA on 1 connections"])
        let page = HTMLReport(Samples.report([result])).page()
        #expect(page.contains("2 of 4 measurements were contested"))
    }

    /// A server that answers nothing is another thing than one that is in the midst of it.
    @Test func nothingWholeIsNotNothing() {
        var result = Samples.result("unix-1MiBx500", [("still", [0, 0]), ("slow", [0, 0])])
        for round in 0..<2 { result.rounds[round].measurements[1].bytes = 100 << 20 }
        #expect(result.notes(on: "still") == ["stood still"])
        #expect(result.notes(on: "slow") == ["nothing came back whole: the window is too short"])
    }

    @Test func runsOfOneMachineBecomeOneReport() {
        var first = Samples.report([
            Samples.result("echo-64Bx1", [("a", [1])]), Samples.result("idle-5", [("a", [1])]),
        ])
        first.merge(Samples.report([Samples.result("echo-64Bx1", [("b", [1])])]))
        #expect(first.results.map(\.workload.name) == ["idle-5", "echo-64Bx1"])
        #expect(first.contenders == ["a", "b"])
        #expect(first.hasOtherWindows == nil)
        var longer = Samples.report([Samples.result("idle-9", [("a", [1])])])
        longer.windowSeconds = 7
        first.merge(longer)
        #expect(first.methodLine.contains("of 1.0 s") && first.methodLine.contains("other rounds or windows"))
        // Micro-benchmarks have no window of their own.
        var micro = Samples.report([])
        (micro.windowSeconds, micro.baseline, micro.cpus) = (0, "", nil)
        micro.merge(longer)
        #expect(micro.methodLine.contains("of 7.0 s") && micro.baseline == "c-ring" && micro.cpus != nil)
        #expect(!micro.methodLine.contains("other rounds") && !micro.methodLine.contains("MACHINES"))
        // Who mixes machines all the same is told on the page.
        longer.machine.kernel = "7.0"
        micro.merge(longer)
        #expect(
            HTMLReport(micro).page().contains(
                "OTHER MACHINES: a &lt;processor&gt; &amp; more, 2 CPUs, Linux 7.0"
            )
        )
    }

    @Test func wrkIsUnderstood() throws {
        let curve = Measurement.Latency.fractions.indices.map { "\(100 * ($0 + 1))" }.joined(separator: " ")
        let outcome = try WrkLoad.outcome(
            in:
                "Running 3s test @ http://127.0.0.1:1/\nloopbench: 432120 3100000 38000000 7 0 5000 \(curve)\n"
        )
        #expect(outcome.requests == 432_120 && outcome.seconds == 3.1 && outcome.errors == 7)
        #expect(abs(outcome.requestsPerSecond - 139_393.548) < 0.001)
        #expect(outcome.microseconds(at: 0.5) == 300 && outcome.microseconds(at: 0.999) == 1_100)
        #expect(outcome.maximumMicroseconds == 5_000)
        for bad in [
            "loopbench: 5 3100000 100 0 1 5000 \(curve)", "loopbench: 0 3100000 0 9 0 0 \(curve)", "nothing",
        ] {
            #expect(throws: WrkLoad.Problem.self) { try WrkLoad.outcome(in: bad) }
        }
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0),
        ("HTTP/1.1 200 OK\r\nX: y\r\ncontent-length:  5\r\n\r\nhel", 2),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nhello", -4),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", nil), ("HTTP/1.1 200 OK\r\n\r\nhello", nil),
    ])
    func answersAreMeasured(_ answer: String, _ missing: Int?) {
        #expect(HTTPProbe.missingBytes(of: answer) == missing)
    }

    /// By hand: five million bytes more for the thousand connections after the first, four of them anonymous.
    @Test func figuresAreWhatTheyAreCalled() throws {
        let sample = Samples.measurement("a")
        #expect(sample.residentBytes(connections: 1_001) == 5_000)
        #expect(sample.anonymousBytes(connections: 1_001) == 4_000)
        let stream = try #require(Workload(named: "stream-out-64KiBx1"))
        let echo = try #require(Workload(named: "echo-64Bx50"))
        #expect(Figure.throughput.value(of: sample, in: stream) == 6.4)
        #expect(Figure.throughput.value(of: sample, in: echo) == 100_000)
        #expect(Figure.cpu.value(of: sample, in: stream) == 78_125)
        #expect(Figure.cpu.value(of: sample, in: echo) == 5)
    }

    @Test func mediansLieInTheMiddle() {
        #expect(Summary([4, 1, 10, 2]).median == 3 && Summary([4, 1, 10]).median == 4)
        #expect(Summary([4, .nan, 10, 2, .infinity]) == Summary([2, 4, 10]))
        #expect(Summary([]).median.isNaN)
    }

    @Test func anyContenderCanBeTheBaseline() {
        let result = Samples.result("echo-64Bx50", [("a", [100, 100]), ("b", [50, 200])])
        #expect(result.ratio(of: "a", to: "b", .throughput) == Summary([2, 0.5]))
        #expect(result.ratio(of: "b", to: "absent", .throughput) == Summary([0.5, 2]))
    }

    @Test func oneRoundHasNoSpread() {
        let report = Samples.report([Samples.result("echo-64Bx1", [("a", [100])])])
        #expect(report.results[0].summary(of: "a", .throughput).spread.isNaN)
        #expect(!report.text().contains("0.0 %"))
        #expect(Summary([5, 5]).spread == 0)
    }

    @Test func loopsOfThisLibraryAreKnown() {
        for name in ["proactor", "epoll", "poll", "select", "proactor-async", "epoll-sock"] {
            #expect(Kin(name) == .ours)
        }
        for name in ["c-ring", "c-epoll", "c-ring-udp"] { #expect(Kin(name) == .bare) }
        for name in ["asio-epoll", "libuv", "epoll-mine", "c-mine", "epollasync"] {
            #expect(Kin(name) == .other)
        }
    }

    @Test func documentPutsAllSideBySide() {
        let text = MarkdownReport(Self.report, plots: nil).markdown()
        #expect(text.contains("| contender | echo-64Bx50 | stream-out-64KiBx1 | echo-64Bx50@20000 |"))
        #expect(text.contains("| c-epoll | **0.90** | **0.90** | **0.90** |"))
        #expect(text.contains("| contender | idle-1000 |"))
        #expect(text.contains("With 5 rounds, chance alone does that to one in 16."))
    }

    /// A median of 1.2 is nothing when one round says 0.9.
    @Test func whatShowsNoDifferenceLooksSo() {
        let base: [UInt64] = [100, 100, 100]
        let result = Samples.result(
            "echo-64Bx50",
            [
                ("c-ring", base), ("unsure", [90, 120, 140]), ("faster", [101, 120, 140]),
                ("slower", [99, 80, 50]),
            ]
        )
        let report = Samples.report([result])
        let text = MarkdownReport(report, plots: nil).markdown()
        for row in [
            "| c-ring | 1.00 |", "| unsure | 1.20 |", "| faster | **1.20** |", "| slower | **0.80** |",
        ] {
            #expect(text.contains("\(row)\n"))
        }
        let page = HTMLReport(report).page()
        for cells in [
            "<td>unsure</td><td class=\"even\">1.20</td>", "<td>faster</td><td>1.20</td>",
            "<td>slower</td><td>0.80</td>", "<td>c-ring</td><td class=\"even\">1.00</td>",
        ] {
            #expect(page.contains(cells))
        }
        #expect(!Summary([2]).isApartFromOne, "one round shows nothing")
    }

    @Test func interruptedAndMicroRunsSaySo() {
        var report = Self.report
        report.wasInterrupted = true
        #expect(report.methodLine.contains("interrupted"))
        #expect(HTMLReport(report).page().contains("The run was interrupted"))
        report.results = []
        #expect(!report.methodLine.contains(" s,"), "no window is named where there was none")
    }
}

/// Every tag that is opened is closed, in order. `meta` and the like are not; pages are written so that nothing else is.
private func checkIsWellFormed(_ markup: String) throws {
    var open: [Substring] = []
    var rest = Substring(markup)
    while let start = rest.firstIndex(of: "<") {
        let end = try #require(rest[start...].firstIndex(of: ">"))
        let tag = rest[rest.index(after: start)..<end]
        rest = rest[rest.index(after: end)...]
        let name = tag.drop { $0 == "/" }.prefix { $0.isLetter || $0.isNumber }
        if tag.hasSuffix("/") || name == "meta" { continue }
        if tag.hasPrefix("/") {
            #expect(open.popLast() == name)
        } else {
            open.append(name)
        }
    }
    #expect(open.isEmpty)
}
