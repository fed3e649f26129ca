import ArgumentParser

/// The tool's root command.
@main
struct Loopbench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loopbench",
        abstract: "Measures event loops side by side.",
        discussion: """
            Each contender serves in a process of its own, pinned to one CPU; the load comes from another CPU. \
            Contenders take turns (A B C, A B C, …), and a ratio is formed within a round before its median is \
            taken, so that what changes on the machine from minute to minute falls on all of them.
            """,
        subcommands: [
            RunCommand.self, ListCommand.self, CompareCommand.self, ReportCommand.self, MicroCommand.self,
            DemoCommand.self, ServeCommand.self, SendFileCommand.self, FileReadsCommand.self,
        ]
    )
}
