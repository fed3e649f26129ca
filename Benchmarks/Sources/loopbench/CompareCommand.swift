import ArgumentParser

/// `loopbench compare`: what changed from one run to another.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Shows what changed from one run to another, beyond the noise of both.",
        discussion: """
            A figure counts as changed when no round of one run reached into the range of the other's rounds. With five \
            rounds each, chance alone does that to one figure in 126. Figures that differ by less than --at-least are left \
            out all the same.
            """
    )

    @Argument(help: "The earlier run, as JSON.")
    var before: String

    @Argument(help: "The later run, as JSON.")
    var after: String

    @Flag(
        help:
            "Compares ratios to the baseline, formed round by round: right when machine or quiet were not the same."
    )
    var ratios = false

    @Flag(help: "Shows what did not change too.")
    var all = false

    @Option(help: "The smallest change that counts, in percent.")
    var atLeast = 2.0

    @Flag(help: "End with status 1 when something became worse, or a server no longer works.")
    var check = false

    func run() throws {
        let comparison = Comparison(
            try Report.read(before),
            try Report.read(after),
            ratios: ratios,
            smallest: atLeast / 100
        )
        print(comparison.text(all: all), terminator: "")
        let isWorse = comparison.changes.contains { $0.verdict == .worse } || !comparison.broken.isEmpty
        if check, isWorse { throw ExitCode.failure }
    }
}
