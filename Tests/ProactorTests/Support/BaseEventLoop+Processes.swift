import CPosix
import Foundation
import Glibc
import Testing

@testable import Proactor

extension BaseEventLoop {
    /// Starts a command line for the shell.
    func startShell(
        _ command: String,
        _ recorder: RecordingSubprocess = RecordingSubprocess(),
        options: ProcessOptions = ProcessOptions()
    ) throws -> (child: any SubprocessTransport, recorder: RecordingSubprocess) {
        let child = try run {
            try await self.subprocessShell(command, options: options) { recorder }.transport
        }
        return (child, recorder)
    }

    /// Runs, waiting as a loop waits, until `condition` holds after something that the recorder was told.
    func run(
        _ recorder: RecordingSubprocess,
        until condition: @escaping () -> Bool,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        guard !condition() else { return }
        var isLate = false
        let limit = try callLater(TestLimit.wait) {
            isLate = true
            self.stop()
        }
        recorder.onAnything = { if condition() { self.stop() } }
        try runForever()
        recorder.onAnything = nil
        limit.cancel()
        guard isLate, !condition() else { return }
        Issue.record("what was waited for did not come: \(recorder.events)", sourceLocation: sourceLocation)
        throw TestError(number: -1)
    }

    /// Runs until the child is over, and checks that it left nothing behind.
    func runToTheEnd(
        _ child: any SubprocessTransport,
        _ recorder: RecordingSubprocess,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let pid = child.pid
        try run(recorder, until: { recorder.lostCount == 1 }, sourceLocation: sourceLocation)
        #expect(recorder.events.last == .lost, sourceLocation: sourceLocation)
        #expect(recorder.lostErrors.first.flatMap { $0 } == nil, sourceLocation: sourceLocation)
        expectGone(pid, sourceLocation: sourceLocation)
    }

    /// Runs a command line to its end and returns what it wrote.
    func outputOfShell(
        _ command: String,
        options: ProcessOptions = ProcessOptions(),
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        let (child, recorder) = try startShell(command, options: options)
        try runToTheEnd(child, recorder, sourceLocation: sourceLocation)
        return recorder.outputText
    }
}

/// No zombie of that number, and no descriptor that stands for it.
func expectGone(_ pid: Int32, sourceLocation: SourceLocation = #_sourceLocation) {
    let isReaped = wasReaped(pid)
    #expect(isReaped, "child \(pid) was not reaped", sourceLocation: sourceLocation)
    #expect(!hasDescriptor(of: pid), "a pidfd of \(pid) is open", sourceLocation: sourceLocation)
}

/// A child that a closing loop has killed may take its time to die, and is reaped by a thread then.
func waitUntilReaped(_ pid: Int32) {
    let deadline = ContinuousClock.now + TestLimit.wait
    while !wasReaped(pid), ContinuousClock.now < deadline { usleep(1000) }
}

private func wasReaped(_ pid: Int32) -> Bool {
    var information = siginfo_t()
    return waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) == -1 && errno == ECHILD
}

/// Whether a pidfd of this process stands for the process. A dead one's number reads -1, so this is of use while it lives or
/// is a zombie; a descriptor of another test's child never has the number.
func hasDescriptor(of pid: Int32) -> Bool {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fdinfo")) ?? []
    return names.contains { name in
        let text = (try? String(contentsOfFile: "/proc/self/fdinfo/\(name)", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").contains("Pid:\t\(pid)")
    }
}

/// What this process's descriptors stand for that are pipes, such as `pipe:[12345]`.
func openPipes() -> Set<String> {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    let links = names.compactMap {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
    }
    return Set(links.filter { $0.hasPrefix("pipe:") })
}
