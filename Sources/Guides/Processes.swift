// The code of the guide ChildProcesses.md, which a test holds against it.
import Proactor

nonisolated(nonsending) func showStatus(_ loop: any AbstractEventLoop) async throws {
    let status = try await loop.runProcess("git", "status", "--short", timeout: .seconds(10))
    guard status.isSuccess else { throw GitError(text: status.errorText) }
    for line in status.text.split(separator: "\n") { print(line) }
}

nonisolated(nonsending) func sortLines(_ lines: String, _ loop: any AbstractEventLoop) async throws -> [UInt8]
{
    var options = ProcessOptions()
    options.environment = ["LC_ALL": "C", "PATH": "/usr/bin:/bin"]
    let sorted = try await loop.runProcess(
        "sort",
        arguments: ["-u"],
        options: options,
        input: Array(lines.utf8),
        limit: 1 << 20
    )
    return sorted.stdout
}

nonisolated(nonsending) func calculateInScope(_ loop: any AbstractEventLoop) async throws -> [UInt8]? {
    let answer = try await loop.withSubprocessExec("bc", "-q") { bc in
        bc.stdin?.write("6 * 7\n")
        return try await bc.stdout?.readLine()
    }
    return answer
}

nonisolated(nonsending) func watch(_ path: String, _ loop: any AbstractEventLoop) async throws {
    let tail = try await loop.createSubprocessExec("tail", "-f", path, standardOutput: .pipe)
    defer { tail.close() }
    guard let output = tail.stdout else { return }
    for try await line in output.lines {
        if line.starts(with: "error".utf8) { return }
    }
}

nonisolated(nonsending) func calculate(_ loop: any AbstractEventLoop) async throws -> String {
    let bc = try await loop.createSubprocessExec("bc", standardInput: .pipe, standardOutput: .pipe)
    defer { bc.close() }
    guard let input = bc.stdin, let output = bc.stdout else { return "" }
    input.write("6 * 7\n")
    try await input.drain()
    let answer = try await output.readLine()
    return String(decoding: answer, as: UTF8.self)
}

nonisolated(nonsending) func compress(_ bytes: [UInt8], _ loop: any AbstractEventLoop) async throws -> [UInt8]
{
    let gzip = try await loop.createSubprocessExec("gzip", standardInput: .pipe, standardOutput: .pipe)
    let (output, _) = try await gzip.communicate(input: bytes)
    guard try await gzip.wait() == 0 else { throw GzipError() }
    return output
}

nonisolated(nonsending) func stopInOrder(_ process: StreamedProcess) async throws -> Int32 {
    try process.terminate()
    do {
        return try await timeout(.seconds(2)) { _ in try await process.wait() }
    } catch is TimeoutError {
        try process.kill()
        return try await process.wait()
    }
}

struct GitError: Error {
    let text: String
}

struct GzipError: Error {}
