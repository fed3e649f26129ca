import Proactor

/// Asks `/bin/date` for the date, by a stream.
@main
struct SubprocessStreams {
    static func main() {
        runMain {
            // The standard output is a pipe, and the rest is this program's own.
            let process = try await getRunningLoop().createSubprocessExec(
                "/bin/date",
                "+%Y-%m-%d",
                standardOutput: .pipe
            )
            let line = try await process.stdout?.readLine() ?? []
            try await process.wait()
            let date = String(decoding: line, as: UTF8.self).filter { !$0.isNewline }
            print("Current date: \(date)")
        }
    }
}
