import Foundation
import Proactor

/// A program that a test runs.
public struct Program: Sendable {
    public struct Output: Sendable {
        public var status: Int32
        public var text: String
    }

    private let path: String
    private let arguments: [String]

    /// One that the system has, found by its name.
    public init(_ name: String, _ arguments: [String]) {
        path = name
        self.arguments = arguments
    }

    /// One of this package's, built beside the tests.
    public init(product name: String, _ arguments: [String]) {
        // The tests' runner may be the toolchain's own; the bundle it was given is among the arguments then.
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? "/proc/self/exe"
        let folder = URL(fileURLWithPath: bundle).resolvingSymlinksInPath().deletingLastPathComponent()
        path = folder.appendingPathComponent(name).path
        self.arguments = arguments
    }

    /// Runs it to its end.
    public func run() async throws -> Output {
        let (loop, path, arguments) = (Self.loop, path, arguments)
        return try await loop.runCoroutineThreadSafe {
            let output = try await loop.runProcess(
                path,
                arguments: arguments,
                options: ProcessOptions(),
                timeout: .seconds(60)
            )
            return Output(status: output.returnCode, text: output.text)
        }.value()
    }

    /// Starts it, calls `body` with the first line that it prints, asks it to end by SIGTERM, and returns the status that it ends with.
    public func runServer(_ body: @escaping @Sendable (String) async throws -> Void) async throws -> Int32 {
        let (loop, path, arguments) = (Self.loop, path, arguments)
        return try await loop.runCoroutineThreadSafe {
            var options = ProcessOptions()
            options.standardOutput = .pipe
            let process = try await loop.createSubprocessExec(path, arguments: arguments, options: options)
            defer { process.close() }
            let line = try await process.stdout?.readLine() ?? []
            try await body(String(decoding: line.dropLast(), as: UTF8.self))
            try process.terminate()
            return try await timeout(.seconds(60)) { _ in try await process.wait() }
        }.value()
    }

    /// Children of Foundation's `Process` inherit the ends of others' pipes, and one that lives on holds up who reads to the end.
    private static let group: EventLoopGroup = {
        do { return try EventLoopGroup(EventLoopGroupOptions(loopCount: 1, name: "programs")) } catch {
            fatalError("no loop for the programs that tests run: \(error)")
        }
    }()

    private static var loop: any AbstractEventLoop { group.loops[0] }
}
