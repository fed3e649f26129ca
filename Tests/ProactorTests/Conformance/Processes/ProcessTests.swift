import Dispatch
import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct ProcessTests {
    // Behaviour 39
    @Test(arguments: LoopKind.allCases, ["exit 0", "exit 7", "kill -TERM $$", "kill -KILL $$"])
    func theExitCodeIsTold(kind: LoopKind, command: String) async throws {
        let code: Int32 = ["exit 0": 0, "exit 7": 7, "kill -TERM $$": -SIGTERM][command] ?? -SIGKILL
        try await kind.withLoop { loop in
            let recorder = RecordingSubprocess()
            var codeAtExit: Int32?
            recorder.onExit = { codeAtExit = recorder.transport?.returnCode }
            let (child, _) = try loop.startShell(command, recorder)
            #expect(recorder.events.first == .made && child.pid > 0)
            try loop.runToTheEnd(child, recorder)
            #expect(child.returnCode == code && codeAtExit == code)
            #expect(recorder.events.count { $0 == .exited } == 1)
            // All pipes are closed when the child ends, without a word of ours.
            for number: Int32 in 0...2 { #expect(recorder.events.count { $0 == .pipeLost(number) } == 1) }
            #expect(recorder.pipeErrors.isEmpty)
            #expect(child.isClosing)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func inputOutputAndErrorsAreTransports(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (child, recorder) = try loop.startShell("echo to stderr >&2; cat")
            #expect(child.returnCode == nil && !child.isClosing)
            let input = try #require(child.getPipeTransport(0))
            let output = try #require(child.getPipeTransport(1))
            #expect(child.getPipeTransport(2) != nil && child.getPipeTransport(3) == nil)
            #expect(!input.isReading && output.isReading)
            let bytes = patternBytes(500_000)
            input.write(bytes)
            // The child writes back what it reads, so neither pipe may stop the other.
            #expect(recorder.events == [.made, .pausedWriting])
            input.writeEOF()
            try loop.runToTheEnd(child, recorder)
            #expect(recorder.output == bytes)
            #expect(recorder.errorText == "to stderr\n")
            #expect(recorder.events.contains(.resumedWriting))
            #expect(child.returnCode == 0)
        }
    }

    // Behaviour 39
    @Test(arguments: LoopKind.allCases)
    func outputAfterTheExitIsStillRead(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // A grandchild keeps the pipes, and writes when it is told to.
            let (child, recorder) = try loop.startShell("exec 3<&0; { read line <&3; echo $line; } & exit 3")
            try loop.run(recorder, until: { recorder.events.contains(.exited) })
            #expect(recorder.events == [.made, .exited])
            #expect(child.returnCode == 3 && !child.isClosing)
            child.getPipeTransport(0)?.write("late\n")
            try loop.runToTheEnd(child, recorder)
            #expect(recorder.outputText == "late\n")
        }
    }

    // Behaviour 39
    @Test(arguments: LoopKind.allCases)
    func aBrokenInputIsNoFailureOfTheChild(kind: LoopKind) async throws {
        try #require(signalDisposition(SIGPIPE) == .default)
        try await kind.withLoop { loop in
            let recorder = RecordingSubprocess()
            recorder.onMade = { $0.getPipeTransport(0)?.write(patternBytes(1 << 20)) }
            let (child, _) = try loop.startShell("exec <&-; echo deaf", recorder)
            try loop.runToTheEnd(child, recorder)
            #expect(recorder.pipeErrors[0] as? PipeError == .failed(.write, .brokenPipe))
            #expect(recorder.pipeErrors.count == 1)
            #expect(recorder.outputText == "deaf\n")
            #expect(child.returnCode == 0)
        }
    }

    // Behaviour 39
    @Test(arguments: LoopKind.allCases)
    func anyNumberOfTasksMayWait(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (child, recorder) = try loop.startShell("read line; exit 5")
            let tasks = (0..<3).map { _ in loop.createTask { try await child.wait() } }
            try loop.settle(turns: 3)
            tasks[1].cancel()
            try loop.turn { tasks[1].done }
            #expect(tasks[1].cancelled && !tasks[0].done && !tasks[2].done)
            child.getPipeTransport(0)?.write("go\n")
            #expect(try loop.runUntilComplete(tasks[0]) == 5)
            #expect(try loop.runUntilComplete(tasks[2]) == 5)
            // Waiting for what is over takes no time.
            #expect(try loop.run { try await child.wait() } == 5)
            try loop.runToTheEnd(child, recorder)
            #expect(try loop.run { try await child.wait() } == 5)
        }
    }

    // Pitfall 42
    @Test(arguments: LoopKind.allCases)
    func theNumberOfAChildsDescriptorIsFreeAfterItsEnd(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (child, recorder) = try loop.startShell("read line")
            // A ring that waits for children needs none.
            let descriptor = (child as? ChildProcess)?.process?.descriptor
            #expect((descriptor == nil) == loop.backend.waitsForChildren)
            if let descriptor { #expect(loop.descriptors.hasOwner(descriptor)) }
            child.getPipeTransport(0)?.close()
            try loop.runToTheEnd(child, recorder)
            if let descriptor { #expect(!loop.descriptors.hasOwner(descriptor)) }
        }
    }

    // Behaviour 39
    @Test(arguments: LoopKind.allCases)
    func aWaitThatIsCancelledLeavesNothingBehind(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (child, recorder) = try loop.startShell("read line; exit 5")
            for _ in 0..<3 {
                let wait = loop.createTask { try await child.wait() }
                try loop.settle(turns: 2)
                wait.cancel()
                #expect(throws: CancellationError.self) { try loop.runUntilComplete(wait) }
            }
            #expect((child as? ChildProcess)?.exitWaiters.count == 0)
            // Cancelled in the moment in which the child ends, before it has gone on.
            let late = loop.createTask { try await child.wait() }
            try loop.settle(turns: 2)
            recorder.onExit = { late.cancel() }
            child.getPipeTransport(0)?.write("go\n")
            try loop.runToTheEnd(child, recorder)
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(late) }
            // A cancelled task does not wait, also where there is nothing to wait for.
            let cancelled = loop.createTask {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await child.wait()
            }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(cancelled) }
            #expect(child.returnCode == 5)
        }
    }

    // Behaviour 39
    @Test(arguments: LoopKind.allCases)
    func whoWaitedGoesOnAfterTheProtocolWasTold(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var options = ProcessOptions()
            options.standardInput = .null
            options.standardOutput = .null
            options.standardError = .null
            var order: [String] = []
            let recorders = (0..<3).map { number in
                let recorder = RecordingSubprocess()
                recorder.onExit = { order.append("exit \(number)") }
                return recorder
            }
            let chosen = options
            // Each child is started by the step that its forerunner's end has brought about.
            try loop.run {
                for (number, recorder) in recorders.enumerated() {
                    let (child, _) = try await loop.subprocessExec(
                        "/bin/true",
                        arguments: [],
                        options: chosen
                    ) {
                        recorder
                    }
                    let second = loop.createTask {
                        let code = try await child.wait()
                        order.append("second \(number)")
                        return code
                    }
                    #expect(try await child.wait() == 0)
                    order.append("first \(number)")
                    #expect(child.isClosing && loop.isRunning)
                    #expect(try await second.value() == 0)
                }
            }
            try loop.turn { recorders.allSatisfy { $0.lostCount == 1 } }
            #expect(recorders.allSatisfy { $0.events == [.made, .exited, .lost] })
            #expect(order == (0..<3).flatMap { ["exit \($0)", "first \($0)", "second \($0)"] })
        }
    }

    // Behaviour 39
    @Test(arguments: LoopKind.allCases)
    func aWaitIsCancelledFromElsewhere(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (child, recorder) = try loop.startShell("read line")
            let waited = LoopBound(child, of: loop)
            let wait = Task.detached(executorPreference: loop) { try await waited.value.wait() }
            try loop.settle(turns: 3)
            DispatchQueue.global().async { wait.cancel() }
            let outcome = try loop.run { await wait.result }
            #expect(throws: CancellationError.self) { try outcome.get() }
            // Nobody waits any more: the end is told to the protocol alone.
            child.getPipeTransport(0)?.close()
            try loop.runToTheEnd(child, recorder)
            #expect(child.returnCode == 1)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aChildCostsADescriptorWhereTheKernelWantsOne(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (child, recorder) = try loop.startShell("read line")
            // The ring waits by number, and so does a signal: where the kernel can.
            let waitsByNumber = (loop as? ProactorEventLoop)?.features.childWaits ?? false
            if kind != .ring { #expect(!waitsByNumber) }
            if kind == .ring, KernelRelease.isAtLeast(6, 7) { #expect(waitsByNumber) }
            #expect(hasDescriptor(of: child.pid) != waitsByNumber)
            #expect(try child.terminate())
            #expect(hasDescriptor(of: child.pid) != waitsByNumber)
            try loop.runToTheEnd(child, recorder)
            #expect(child.returnCode == -SIGTERM)
        }
    }

    // Behaviour 39
    @Test(arguments: LoopKind.allCases)
    func aKillThatComesTooLateHitsNobody(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingSubprocess()
            recorder.onMade = { child in
                #expect(child.returnCode == nil && !child.isClosing)
                // Dead for sure, while the loop does not know it yet.
                var information = siginfo_t()
                while waitid(P_PID, id_t(child.pid), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
                let wasSent = try child.kill()
                #expect(wasSent)
            }
            let (child, _) = try loop.startShell("exit 4", recorder)
            try loop.runToTheEnd(child, recorder)
            #expect(child.returnCode == 4)
            #expect(try !child.kill())
            #expect(try !child.terminate())
            #expect(try !child.sendSignal(.hangUp))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func signalsReachTheChild(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // The signal may interrupt the read, which then fails as it does at the end of its input.
            let script = """
                trap 'echo caught; hit=1' USR1
                echo ready
                while hit=; do read line || [ -n "$hit" ] || exit 9; done
                """
            let (child, recorder) = try loop.startShell(script)
            try loop.run(recorder, until: { recorder.outputText == "ready\n" })
            #expect(try child.sendSignal(.user1))
            // The shell runs the trap when its read is over.
            child.getPipeTransport(0)?.write("\n")
            try loop.run(recorder, until: { recorder.outputText == "ready\ncaught\n" })
            #expect(throws: ProcessError(.signal, .invalidArgument)) {
                try child.sendSignal(Signal(rawValue: 4711))
            }
            #expect(try child.terminate())
            try loop.runToTheEnd(child, recorder)
            #expect(child.returnCode == -SIGTERM)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func closingKillsAndReaps(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // The grandchild survives and keeps the pipes: the transport does not wait for it.
            let (child, recorder) = try loop.startShell("exec 3<&0; cat <&3 & echo $!; cat")
            try loop.run(recorder, until: { recorder.outputText.hasSuffix("\n") })
            let grandchild = try #require(Int32(recorder.outputText.dropLast()))
            child.getPipeTransport(0)?.write(patternBytes(1 << 20))
            child.close()
            child.close()
            #expect(child.isClosing)
            try loop.runToTheEnd(child, recorder)
            #expect(child.returnCode == -SIGKILL)
            #expect(recorder.pipeErrors.isEmpty)
            Glibc.kill(grandchild, SIGKILL)
        }
    }

    // Pitfall 17
    @Test(arguments: LoopKind.allCases)
    func aLoopThatClosesKillsAndReaps(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (running, _) = try loop.startShell("exec sleep 1000")
            let (closed, _) = try loop.startShell("exec sleep 1000")
            let pids = [running.pid, closed.pid]
            closed.close()
            try loop.close()
            for pid in pids {
                waitUntilReaped(pid)
                expectGone(pid)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func manyChildrenAtOnce(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var codes: [Int32: Int32] = [:]
            var left = 20
            var children: [any SubprocessTransport] = []
            for code: Int32 in 0..<20 {
                let recorder = RecordingSubprocess()
                recorder.onAnything = { [unowned recorder] in
                    guard recorder.lostCount == 1, codes[code] == nil else { return }
                    codes[code] = children[Int(code)].returnCode
                    left -= 1
                    if left == 0 { loop.stop() }
                }
                children.append(try loop.startShell("cat; exit \(code)", recorder).child)
            }
            for child in children { child.getPipeTransport(0)?.close() }
            if left > 0 { try loop.runForever() }
            for code: Int32 in 0..<20 { #expect(codes[code] == code) }
            for child in children { expectGone(child.pid) }
        }
    }

    /// The host program is free to reap its children as it likes.
    @Test(arguments: LoopKind.allCases)
    func aChildThatSomebodyElseReapedHasEndedToo(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingSubprocess()
            recorder.onMade = { child in
                var status: Int32 = 0
                while waitpid(child.pid, &status, 0) < 0, errno == EINTR {}
                // The number is any process's by now.
                let wasSent = try child.kill()
                #expect(!wasSent)
            }
            var pid: Int32 = 0
            let lines = try LogCapture.lines {
                let (child, _) = try loop.startShell("exit 4", recorder)
                try loop.runToTheEnd(child, recorder)
                #expect(child.returnCode == 255)
                pid = child.pid
            }
            #expect(lines.count == 1 && lines.first?.contains("\(pid)") == true)
            #expect(signalDisposition(SIGCHLD) == .default)
        }
    }

    // Behaviour 33
    @Test(arguments: LoopKind.allCases)
    func errorsOfTheProtocolAreReported(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var reported: [ExceptionContext] = []
            loop.setExceptionHandler { _, context in reported.append(context) }
            let failing = RecordingSubprocess()
            failing.onMade = { _ in throw TestError(number: 1) }
            let (killed, _) = try loop.startShell("exec sleep 1000", failing)
            try loop.runToTheEnd(killed, failing)
            #expect(killed.returnCode == -SIGKILL)
            let deaf = RecordingSubprocess()
            deaf.onData = { if $0 == 1 { throw TestError(number: 2) } }
            let (child, _) = try loop.startShell("echo one; read line; echo two >&2; exit 6", deaf)
            try loop.run(deaf, until: { deaf.events.contains(.pipeLost(1)) })
            child.getPipeTransport(0)?.write("\n")
            try loop.runToTheEnd(child, deaf)
            #expect(deaf.pipeErrors[1] as? TestError == TestError(number: 2))
            #expect(deaf.errorText == "two\n" && child.returnCode == 6)
            #expect(reported.map { $0.error as? TestError } == [TestError(number: 1), TestError(number: 2)])
            #expect(reported[1].connectionProtocol === deaf && reported[1].transport === child)
            loop.setExceptionHandler(nil)
        }
    }
}
