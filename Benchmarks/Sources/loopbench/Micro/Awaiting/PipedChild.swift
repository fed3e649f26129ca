import Proactor

/// A child process that much goes through.
enum PipedChild: String, CaseIterable, Sendable {
    /// It gives back what it is given.
    case communicate
    /// It only writes.
    case read

    var title: String {
        switch self {
        case .communicate: " through cat"
        case .read: ", read only"
        }
    }

    /// What the library's ring has to take of asyncio's time, at most.
    var timeOverAsyncio: Double {
        switch self {
        case .communicate: 0.65
        case .read: 0.8
        }
    }

    /// The wall-clock time from its start to its end, on a loop of the library's.
    func nanoseconds(on kind: LoopKind, byteCount: Int) throws -> Double {
        let input = self == .communicate ? [UInt8](repeating: 7, count: byteCount) : nil
        return try withLoop(kind) { loop in
            var output: [UInt8] = []
            let seconds = try secondsTaken {
                output = try loop.runUntilComplete { try await run(input, byteCount, on: loop) }
            }
            guard output.count == byteCount else {
                throw DemoProblem("a child was to write \(byteCount) bytes, and \(output.count) came")
            }
            return seconds * 1e9
        }
    }

    private nonisolated(nonsending) func run(
        _ input: [UInt8]?,
        _ byteCount: Int,
        on loop: BaseEventLoop
    ) async throws -> [UInt8] {
        let child =
            switch self {
            case .communicate:
                try await loop.createSubprocessExec("cat", standardInput: .pipe, standardOutput: .pipe)
            case .read:
                try await loop.createSubprocessExec(
                    "head",
                    "-c",
                    "\(byteCount)",
                    "/dev/zero",
                    standardOutput: .pipe
                )
            }
        return try await child.communicate(input: input, limit: .max).stdout
    }
}
