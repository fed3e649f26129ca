import Foundation
import Glibc
import Testing

@testable import Proactor

@Suite struct RestartTests {
    /// A port that no test gets from the kernel, which chooses others.
    private static func start() throws -> (program: ExampleProgram, port: Int) {
        while true {
            let port = Int.random(in: 20_000..<32_000)
            let program = try ExampleProgram("ExampleTCPEchoServer", "\(port)")
            if (try? program.nextLine()) != nil { return (program, port) }
        }
    }

    // A supervisor starts a killed server anew as soon as it hears of its end.
    @Test func aKilledServerIsRestartedAtOnce() async throws {
        _ = try await onThread {
            var (program, port) = try Self.start()
            for _ in 0..<10 {
                program.send(signal: SIGKILL)
                _ = try program.end()
                program = try ExampleProgram("ExampleTCPEchoServer", "\(port)")
                #expect(try program.nextLine() == "Serving on 127.0.0.1:\(port)")
            }
            program.send(signal: SIGKILL)
            _ = try program.end()
        }
    }
}
