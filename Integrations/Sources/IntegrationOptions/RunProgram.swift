import Glibc

/// Runs an example's `body`, and says on standard error what ended it.
public func runProgram(usage: String, _ body: @Sendable () async throws -> Void) async {
    do {
        try await body()
    } catch let error as UsageError {
        fail("\(error)\nusage: \(usage)", status: 64)
    } catch {
        fail("\(error)", status: 1)
    }
}

private func fail(_ text: String, status: Int32) -> Never {
    let line = text + "\n"
    _ = line.withCString { write(2, $0, strlen($0)) }
    exit(status)
}

/// Says where a server listens, at once: standard output may be a pipe, which would keep the line.
public func announce(host: String, port: Int) {
    print("listening on \(host):\(port)")
    fflush(nil)
}
