import Foundation
import Testing

@testable import Proactor

/// A program that others wrote, and that a machine may lack.
enum TestProgram: String {
    case openssl, curl, python3, nginx

    /// Where it is; `nil` where it is not. The system's own comes before what stands for it in a user's folders.
    var path: String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let folders = ["/usr/bin", "/usr/sbin"] + path.split(separator: ":").map(String.init)
        return folders.lazy.map { "\($0)/\(rawValue)" }.first { access($0, X_OK) == 0 }
    }

    var isInstalled: Bool { path != nil }
}

extension BaseEventLoop {
    nonisolated(nonsending) func run(
        _ program: TestProgram,
        _ arguments: [String],
        input: String = ""
    ) async throws -> ProcessOutput {
        try await runProcess(
            program.path ?? program.rawValue,
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
