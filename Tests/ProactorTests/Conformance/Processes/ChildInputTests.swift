import CPosix
import Glibc
import Testing

@testable import Proactor

/// What is written to a child that does not take it.
@Suite struct ChildInputTests {
    private static var withoutOutput: ProcessOptions {
        var options = ProcessOptions()
        options.standardOutput = .null
        options.standardError = .null
        return options
    }

    @Test(arguments: LoopKind.allCases, [false, true])
    func theLossOfTheInputComesBeforeTheExit(kind: LoopKind, hasUnread: Bool) async throws {
        try await kind.withPipeRecordingLoop { loop, calls in
            calls.saysReaderIsGone = true
            for _ in 0..<10 {
                let recorder = RecordingSubprocess()
                if hasUnread { recorder.onMade = { $0.getPipeTransport(0)?.write(patternBytes(1 << 20)) } }
                let (child, _) = try loop.startShell(":", recorder, options: Self.withoutOutput)
                try loop.runToTheEnd(child, recorder)
                let events = recorder.events.filter { $0 != .pausedWriting }
                #expect(events == [.made, .pipeLost(0), .exited, .lost])
                let error = recorder.pipeErrors[0] as? PipeError
                #expect(error == (hasUnread ? .failed(.write, .brokenPipe) : nil))
            }
        }
    }

    @Test(arguments: LoopKind.allCases, [false, true])
    func closingAtTheExitTakesNothingFromTheError(kind: LoopKind, leavesGrandchild: Bool) async throws {
        try await kind.withLoop { loop in
            var options = Self.withoutOutput
            options.group = .new
            let recorder = RecordingSubprocess()
            recorder.onMade = { $0.getPipeTransport(0)?.write(patternBytes(1 << 20)) }
            recorder.onExit = { recorder.transport?.close() }
            let command = leavesGrandchild ? "exec 3<&0; sleep 1000 <&3 & :" : ":"
            let (child, _) = try loop.startShell(command, recorder, options: options)
            let group = child.pid
            try loop.runToTheEnd(child, recorder)
            if leavesGrandchild { kill(-group, SIGKILL) }
            #expect(recorder.pipeErrors[0] as? PipeError == .failed(.write, .brokenPipe))
        }
    }

    /// A number that is no child's is a stranger's.
    @Test func noStrangerIsSignalledByNumber() {
        #expect(cposix_signal_child(getppid(), 0) == -ESRCH)
        #expect(cposix_signal_child(getpid(), 0) == -ESRCH)
        #expect(cposix_open_process(getppid()) == -ESRCH)
        #expect(cposix_signal_process(cposix_process(pid: getppid(), descriptor: -1), 0) == -ESRCH)
    }
}
