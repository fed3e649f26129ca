import CPosix

/// Runs a whole program: as ``run(options:_:)``, but an error that ends it is told in one sentence on standard error, and the
/// process exits with status 1. An error that a `main` throws is a crash report instead.
///
/// SIGINT and SIGTERM cancel the body, as ``RunnerOptions/signals`` says, and end the program by the signal; a second one ends
/// it at once.
///
/// ```swift
/// @main
/// struct Hello {
///     static func main() {
///         runMain {
///             let server = try await getRunningLoop().createServer(host: "127.0.0.1", port: 9000) { Echo() }
///             try await server.serveForever()
///         }
///     }
/// }
/// ```
///
/// - Parameters:
///   - options: how the loop is made. Where they name no signals, SIGINT and SIGTERM are taken.
///   - body: the program.
/// - Returns: what `body` returns.
@discardableResult
public func runMain<Value>(
    options: RunnerOptions = RunnerOptions(),
    _ body: sending @escaping @isolated(any) () async throws -> Value
) -> Value {
    var options = options
    options.signals = options.signals ?? [.interrupt, .terminate]
    do {
        return try run(options: options, body)
    } catch {
        ErrorSentence(error).end()
    }
}

/// What a program says of the error that ends it.
struct ErrorSentence {
    /// One line, without the program's name.
    let text: String

    init(_ error: any Error) {
        let words = error is CancellationError ? "the program was cancelled" : "\(error)"
        // A zero byte would be the end to C, and the rest be lost.
        text = words.split { $0.isNewline || $0 == "\0" }.joined(separator: " ")
    }

    /// Prints it, after what was printed before, and ends the program.
    func end() -> Never {
        let path = CommandLine.arguments.first ?? ""
        let name = path.split(separator: "/").last.map(String.init) ?? "error"
        cposix_end_with_error("\(name): \(text)")
    }
}
