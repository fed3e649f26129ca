import CLoad
import Foundation

/// A contender's server while it runs.
struct ServerProcess: ~Copyable {
    /// A server that did not do what a server is asked to do.
    struct Failure: Error, CustomStringConvertible {
        var command: [String]
        var problem: String

        var description: String { "\(command.joined(separator: " ")): \(problem)" }
    }

    let processID: Int32
    let endpoint: Contender.Endpoint
    private let output: Int32
    private let command: [String]

    /// Starts the server pinned to `cpu` and waits for the line that says where it listens.
    static func start(
        _ contender: Contender,
        for workload: Workload,
        cpu: Int
    ) throws(Failure) -> ServerProcess {
        let wanted: Contender.Endpoint =
            switch workload.family {
            case .tcp: .tcp(host: "127.0.0.1", port: 0)
            case .unix: .unix(path: "/tmp/loopbench-\(getpid())-\(contender.name).sock")
            }
        let command = contender.command(endpoint: wanted, for: workload)
        var environment = ProcessInfo.processInfo.environment
        environment["SWIFT_BACKTRACE"] = "enable=no"
        var processID: Int32 = 0
        var output: Int32 = -1
        let variables = environment.map { "\($0.key)=\($0.value)" }
        let problem = withCStrings(command) { arguments in
            withCStrings(variables) { cload_spawn(arguments, $0, Int32(cpu), &processID, &output) }
        }
        guard problem == 0 else {
            throw Failure(command: command, problem: "does not start: \(String(cString: strerror(problem)))")
        }
        let line = readLine(from: output)
        guard let endpoint = endpoint(in: line, wanted: wanted) else {
            let status = cload_stop(processID, SIGKILL, 1000)
            close(output)
            let problem =
                line.isEmpty ? "ended with status \(status)" : "printed '\(line)', not where it listens"
            throw Failure(command: command, problem: problem)
        }
        return ServerProcess(processID: processID, endpoint: endpoint, output: output, command: command)
    }

    /// Asks the server to end, as an operator would. A server that dies, or has to be killed, fails its measurement.
    consuming func stop() throws(Failure) {
        let status = cload_stop(processID, SIGTERM, 5_000)
        close(output)
        guard status == 0 else {
            let problem = status < 0 ? "did not end within 5 s of SIGTERM" : "ended with status \(status)"
            throw Failure(command: command, problem: problem)
        }
    }

    private static func endpoint(in line: String, wanted: Contender.Endpoint) -> Contender.Endpoint? {
        let prefix = "listening on "
        guard line.hasPrefix(prefix) else { return nil }
        switch wanted {
        case .unix: return wanted
        case .tcp(let host, _):
            guard let digits = line.split(separator: ":").last, let port = UInt16(digits) else { return nil }
            return .tcp(host: host, port: port)
        }
    }
}

/// The first line that comes through a pipe, without its end; what came before the other side closed, if it did.
private func readLine(from descriptor: Int32) -> String {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while line.count < 4_096, read(descriptor, &byte, 1) == 1, byte != UInt8(ascii: "\n") {
        line.append(byte)
    }
    return String(decoding: line, as: UTF8.self)
}

/// Lends `strings` as C does: an array of pointers that ends with a null.
private func withCStrings<Result>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers = strings.map { strdup($0) } + [nil]
    defer { pointers.forEach { free($0) } }
    return body(&pointers)
}
