import Foundation

/// Tells how far a run has come: a bar on a terminal, a line for each round elsewhere. On standard error.
final class Progress {
    private let total: Int
    private let isTerminal: Bool
    private let columns: () -> Int
    private let write: (String) -> Void
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var done = 0
    private var lastLine = ""

    init(
        total: Int,
        isTerminal: Bool = isatty(STDERR_FILENO) == 1
            && ProcessInfo.processInfo.environment["TERM"] != "dumb",
        write: @escaping (String) -> Void = { FileHandle.standardError.write(Data($0.utf8)) },
        columns: @escaping () -> Int = { terminalColumns }
    ) {
        self.total = max(total, 1)
        self.isTerminal = isTerminal
        self.columns = columns
        self.write = write
        start = clock.now
    }

    /// A measurement begins.
    func begin(_ title: String, _ detail: String) {
        if isTerminal {
            // A line that is longer than the terminal is wide would stay behind in part.
            write("\r\u{1B}[K" + "\(bar) \(title): \(detail)".prefix(max(columns() - 1, 1)))
        } else if title != lastLine {
            lastLine = title
            write("\(percent) \(title)\n")
        }
        done += 1
    }

    func end() {
        if isTerminal { write("\r\u{1B}[K") }
    }

    private var percent: String { "\(padLeft("\(done * 100 / total)", 3)) %" }

    private var bar: String {
        let width = columns() < 100 ? 10 : 24
        let filled = done * width / total
        let cells = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        return "\(cells) \(percent)\(remaining)"
    }

    /// By the pace so far.
    private var remaining: String {
        guard done > 0 else { return "" }
        let elapsed = Double((clock.now - start).components.seconds)
        let seconds = Int(elapsed / Double(done) * Double(total - done))
        return seconds < 60 ? ", \(seconds) s left" : ", \((seconds + 59) / 60) min left"
    }

    private func padLeft(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}

/// How wide the terminal is at standard error; 80 when it does not say.
private var terminalColumns: Int {
    var size = winsize()
    return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
}
