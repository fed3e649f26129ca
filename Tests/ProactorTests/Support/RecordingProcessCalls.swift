import Foundation
import SystemPackage
import Testing

@testable import Proactor

/// The real calls, which write down what pipes were made, such as `pipe:[12345]`.
///
/// `@unchecked Sendable`: the loop's thread only.
final class RecordingProcessCalls: ProcessCalls, @unchecked Sendable {
    /// Whether every pipe is said to have no reader any more: another test's child may have it for a moment.
    var saysReaderIsGone = false
    private(set) var made: Set<String> = []
    private let inner: any ProcessCalls

    init(_ inner: any ProcessCalls) {
        self.inner = inner
    }

    func makePipe() throws(Errno) -> (reading: FileDescriptor, writing: FileDescriptor) {
        let pipe = try inner.makePipe()
        let link = "/proc/self/fd/\(pipe.reading.rawValue)"
        made.insert((try? FileManager.default.destinationOfSymbolicLink(atPath: link)) ?? "?")
        return pipe
    }

    // MARK: - As they are

    func inspect(_ descriptor: FileDescriptor) throws(Errno) -> DescriptorDescription {
        try inner.inspect(descriptor)
    }

    func adoptPipe(_ descriptor: FileDescriptor) throws(Errno) -> AdoptedPipe {
        try inner.adoptPipe(descriptor)
    }

    func setNonBlocking(_ descriptor: FileDescriptor, _ isNonBlocking: Bool) throws(Errno) {
        try inner.setNonBlocking(descriptor, isNonBlocking)
    }

    func isReaderGone(_ pipe: FileDescriptor) -> Bool { saysReaderIsGone || inner.isReaderGone(pipe) }
    func nature(of file: FileDescriptor) throws(Errno) -> FileNature { try inner.nature(of: file) }
    func hasWriter(_ fifo: FileDescriptor) throws(Errno) -> Bool { try inner.hasWriter(fifo) }
    func spawn(_ request: SpawnRequest) throws(ProcessError) -> SpawnedProcess { try inner.spawn(request) }
    func takeExitStatus(of process: SpawnedProcess) throws(Errno) -> Int32? {
        try inner.takeExitStatus(of: process)
    }

    func sendSignal(_ signal: Signal, to process: SpawnedProcess) throws(Errno) {
        try inner.sendSignal(signal, to: process)
    }

    func sendSignal(_ signal: Signal, toGroupOf leader: SpawnedProcess, isReaped: Bool) throws(Errno) {
        try inner.sendSignal(signal, toGroupOf: leader, isReaped: isReaped)
    }

    func endProcesses(_ processes: [SpawnedProcess]) { inner.endProcesses(processes) }
    func makeSignalWatch() throws(Errno) -> any SignalWatch { try inner.makeSignalWatch() }
    func isIgnored(_ signal: Signal) -> Bool { inner.isIgnored(signal) }
    func endProgram(by signal: Signal) -> Never { inner.endProgram(by: signal) }
}

extension LoopKind {
    /// Runs `body` with a loop whose pipes to children are written down.
    func withPipeRecordingLoop(
        _ body: sending @escaping (BaseEventLoop, RecordingProcessCalls) throws -> Void
    ) async throws {
        try await withFaultyLoop { loop, backend in
            let calls = RecordingProcessCalls(backend.system.processes)
            backend.replaceProcessCalls(by: calls)
            try body(loop, calls)
        }
    }
}
