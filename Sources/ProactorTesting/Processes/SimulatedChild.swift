import Proactor
import SystemPackage

/// What a scripted program gets of the process that it runs in.
///
/// ```swift
/// simulation.install("/bin/cat") { child in
///     let loop = try getRunningLoop()
///     let input = try await child.readAll()
///     try await child.write(input)
///     return 0
/// }
/// ```
///
/// Thread rule: the simulation's thread, within the program's body.
public final class SimulatedChild {
    private let process: SimulatedProcess
    /// The program's name and its arguments.
    public let arguments: [String]
    /// Its environment, as far as the parent has named one.
    public let environment: [String: String]
    /// Its standard input, to be used by the running loop.
    public let standardInput = FileDescriptor(rawValue: 0)
    /// Its standard output.
    public let standardOutput = FileDescriptor(rawValue: 1)
    /// Its standard error.
    public let standardError = FileDescriptor(rawValue: 2)

    init(process: SimulatedProcess, arguments: [String], environment: [String: String]) {
        self.process = process
        self.arguments = arguments
        self.environment = environment
    }

    /// Its number.
    public var pid: Int32 { process.pid }

    /// What comes by standard input next, `maxCount` bytes at most; none at its end.
    ///
    /// - Throws: `Errno`, and `CancellationError`.
    nonisolated(nonsending) public func read(maxCount: Int = 65_536) async throws -> [UInt8] {
        var room = [UInt8](repeating: 0, count: maxCount)
        while true {
            let count = room.withUnsafeMutableBytes { process.descriptors.file(0)?.read(into: $0) ?? 0 }
            if count != -Int(Errno.wouldBlock.rawValue) {
                return Array(room.prefix(try Self.check(count)))
            }
            try await pause()
        }
    }

    /// All that comes by standard input until its end.
    ///
    /// - Throws: as ``read(maxCount:)``.
    nonisolated(nonsending) public func readAll() async throws -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let piece = try await read()
            if piece.isEmpty { return all }
            all += piece
        }
    }

    /// Writes to standard output, or to standard error.
    ///
    /// - Throws: as ``read(maxCount:)``; `Errno.brokenPipe` when nobody reads it.
    nonisolated(nonsending) public func write(_ bytes: [UInt8], toStandardError: Bool = false) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let file = process.descriptors.file(toStandardError ? 2 : 1)
            let count = rest.withUnsafeBytes { file?.write($0) ?? $0.count }
            if count == -Int(Errno.wouldBlock.rawValue) {
                try await pause()
            } else {
                rest = rest.dropFirst(try Self.check(count))
            }
        }
    }

    /// Closes standard input and output, as a program does that goes on in the background.
    public func closeStreams() {
        for number in [standardInput, standardOutput, standardError] { _ = process.close(number) }
    }

    /// A scripted program looks again after a while, as a program does that waits for a disk.
    nonisolated(nonsending) private func pause() async throws {
        try await sleep(for: .microseconds(50))
    }

    private static func check(_ count: Int) throws -> Int {
        guard count >= 0 else { throw Errno(rawValue: Int32(-count)) }
        return count
    }
}
