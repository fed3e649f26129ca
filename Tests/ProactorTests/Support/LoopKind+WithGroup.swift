import CPosix
import Glibc
import TestSupport
import Testing

@testable import Proactor

extension LoopKind {
    /// Runs `body` with a fresh group of loops of this kind, ends it, and checks that its loops are gone, and with them
    /// their descriptors.
    func withGroup(
        loopCount: Int = 2,
        name: String = "group",
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: sending @escaping (EventLoopGroup) async throws -> Void
    ) async throws {
        LogCapture.install()
        // It was sent here, and the task is its only user.
        nonisolated(unsafe) let body = body
        let loops = try await TestTurns.shared.run {
            try await inTask(sourceLocation: sourceLocation) {
                try await endedGroup(loopCount: loopCount, name: name, body)
            }
        }
        for loop in loops ?? [] { try await loop.waitUntilReleased(sourceLocation: sourceLocation) }
    }

    private func endedGroup(
        loopCount: Int,
        name: String,
        _ body: (EventLoopGroup) async throws -> Void
    ) async throws -> [WeakLoop] {
        var options = EventLoopGroupOptions(loopCount: loopCount, name: name)
        options.makeLoop = { _ in try makeLoop() }
        let group = try EventLoopGroup(options)
        do {
            try await RealSockets.$areOutOfReach.withValue(isSimulated) { try await body(group) }
        } catch {
            await group.shutdownGracefully(timeout: .zero)
            throw error
        }
        await group.shutdownGracefully(timeout: .zero)
        return group.members.map { WeakLoop($0) }
    }
}

/// Waits until `condition` holds: for what other threads do in their own time.
func eventually(
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + TestLimit.wait
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("what was waited for did not come", sourceLocation: sourceLocation)
            return
        }
        try await Task.sleep(for: .milliseconds(1))
    }
}

/// What the system says of a thread.
struct ThreadFacts: Hashable, Sendable {
    /// Its number in this process.
    let number: UInt64
    let name: String

    static var current: ThreadFacts {
        ThreadFacts(number: cposix_thread_id(), name: name(inFile: "/proc/thread-self/comm") ?? "?")
    }

    /// The name of a thread of this process, by the system's number; `nil` when there is no such thread.
    static func name(ofThread number: String) -> String? {
        name(inFile: "/proc/self/task/\(number)/comm")
    }

    private static func name(inFile path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var line = [UInt8](repeating: 0, count: 64)
        let count = fread(&line, 1, line.count, file)
        return String(decoding: line[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
