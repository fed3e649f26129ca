import Foundation

/// A program from elsewhere that does what a micro-benchmark does, and prints its figure.
struct Twin: Sendable {
    /// What stands in the table's column for loops.
    var name: String
    var command: [String]

    private static let secondsMax = 120.0
    private static let script = Program.packageFolder.appending(path: "peers/micro.py").path

    /// asyncio, uvloop and Go, where they are installed.
    static let installed: [Twin] = python("asyncio") + python("uvloop") + go

    private static func python(_ loop: String) -> [Twin] {
        guard let peer = Contender.peers.first(where: { $0.name == loop }), peer.missing == nil else {
            return []
        }
        let command = [peer.program, script, "--loop", loop]
        // An older Python lacks some of it.
        return outputOfCommand(command + ["--version"]) == nil ? [] : [Twin(name: loop, command: command)]
    }

    private static var go: [Twin] {
        let program = Contender.peer("go-micro")
        return Program.find(program) == nil ? [] : [Twin(name: "go", command: [program])]
    }

    /// Of one operation, in nanoseconds.
    func nanoseconds(_ operation: String, count: Int) throws -> Double {
        let words = command + ["--count", "\(count)", operation]
        let child: ChildProcess
        do { child = try ChildProcess(words, cpu: -1, announces: true) } catch {
            throw DemoProblem("\(words[0]) does not start: \(String(cString: strerror(error.code)))")
        }
        let text = child.readAll(until: .now + .seconds(Self.secondsMax))
        // It ends by itself after what it printed.
        let end = child.stop(by: text == nil ? SIGKILL : 0, within: 5)
        guard case .status(0) = end, let figure = text.flatMap({ Double($0.filter { !$0.isWhitespace }) })
        else {
            throw DemoProblem("\(words.joined(separator: " ")) failed\(child.lastWords)")
        }
        return figure
    }
}
