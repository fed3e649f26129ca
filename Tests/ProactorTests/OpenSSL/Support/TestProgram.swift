import Foundation
import Testing

@testable import Proactor

/// A program that others wrote, and that a machine may lack.
enum TestProgram: String {
    case openssl, curl, python3, nginx

    var isInstalled: Bool {
        let folders =
            (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":") + ["/usr/sbin"]
        return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(rawValue)") }
    }
}

extension BaseEventLoop {
    nonisolated(nonsending) func run(
        _ program: TestProgram,
        _ arguments: [String],
        input: String = ""
    ) async throws -> ProcessOutput {
        try await runProcess(
            program.rawValue,
            arguments: arguments,
            options: ProcessOptions(),
            input: Array(input.utf8),
            timeout: TestLimit.wait
        )
    }
}

extension Trait where Self == ConditionTrait {
    static func needs(_ program: TestProgram) -> Self {
        .enabled(if: program.isInstalled, "\(program.rawValue) is not installed")
    }
}
