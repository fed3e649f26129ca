import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Children whose pipes are streams.
@Suite struct StreamedProcessTests {
    @Test(arguments: LoopKind.allCases)
    func linesGoThroughAndBack(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let process = try loop.startStreamed("exec cat")
            try loop.run { () async throws in
                let stdin = try #require(process.stdin)
                let stdout = try #require(process.stdout)
                for line in ["one\n", "two\n"] {
                    stdin.write(line)
                    try await stdin.drain()
                    #expect(text(try await stdout.readLine()) == line)
                }
                #expect(process.returnCode == nil && process.pid > 0)
                stdin.close()
                try await stdin.waitClosed()
                #expect(try await stdout.readToEnd() == [])
                #expect(try await process.stderr?.readToEnd() == [])
                #expect(try await process.wait() == 0)
                #expect(process.returnCode == 0)
            }
            try loop.runToTheEnd(process)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func onlyPipesAreStreams(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let process = try loop.run {
                // As in asyncio, what is not named is this process's own.
                try await loop.createSubprocessExec("/bin/sh", "-c", "exit 4", standardError: .pipe)
            }
            #expect(process.stdin == nil && process.stdout == nil && process.stderr != nil)
            let outputs = try loop.run { try await process.communicate() }
            #expect(outputs.stdout == [] && outputs.stderr == [] && process.returnCode == 4)
            try loop.runToTheEnd(process)
            let shell = try loop.run {
                try await loop.createSubprocessShell("pwd", standardOutput: .pipe, workingDirectory: "/")
            }
            #expect(text(try loop.run { try await shell.communicate() }.stdout) == "/\n")
            try loop.runToTheEnd(shell)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aMissingProgramIsNamed(kind: LoopKind) async throws {
        try await kind.withPipeRecordingLoop { loop, pipes in
            func failure(_ body: @escaping () async throws -> Void) -> (any Error)? {
                #expect(throws: (any Error).self) { try loop.run(body) }
            }
            let missing = ProcessError(.start, .noSuchFileOrDirectory, path: "/no/such/program")
            #expect(
                failure { _ = try await loop.createSubprocessExec("/no/such/program") } as? ProcessError
                    == missing
            )
            #expect(failure { _ = try await loop.runProcess("/no/such/program") } as? ProcessError == missing)
            #expect(
                failure { _ = try await loop.createSubprocessExec("/bin/echo", "a\0b") }
                    is EventLoopError
            )
            let made = pipes.made.count
            // Refused before anything is started.
            let error = failure {
                _ = try await loop.createSubprocessShell("exit 0", options: ProcessOptions(), limit: 0)
            }
            guard case .invalidArgument? = error as? EventLoopError else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(pipes.made.count == made && openPipes().isDisjoint(with: pipes.made))
            #expect(loop.openTransports.count == 0 && loop.openProcesses.count == 0)
        }
    }

    // Behaviour 39
    @Test(arguments: LoopKind.allCases)
    func signalsReachTheChildUntilItHasEnded(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let ends: [(end: (StreamedProcess) throws -> Bool, code: Int32)] = [
                ({ try $0.terminate() }, -SIGTERM), ({ try $0.kill() }, -SIGKILL),
                ({ try $0.sendSignal(.interrupt) }, -SIGINT), ({ try $0.killGroup() }, -SIGKILL),
                ({ try $0.sendSignal(.terminate, toGroup: true) }, -SIGTERM),
            ]
            for (end, code) in ends {
                var options = ProcessOptions()
                options.group = .new
                let process = try loop.startStreamed("exec sleep 3600", options: options)
                let waits = (0..<3).map { _ in loop.createTask { try await process.wait() } }
                try loop.turn()
                waits[1].cancel()
                #expect(throws: CancellationError.self) { try loop.runUntilComplete(waits[1]) }
                #expect(try end(process))
                #expect(try loop.runUntilComplete(waits[0]) == code)
                #expect(try loop.runUntilComplete(waits[2]) == code)
                #expect(process.returnCode == code)
                #expect(try !process.kill() && !process.terminate() && !process.sendSignal(.interrupt))
                try loop.runToTheEnd(process)
            }
        }
    }

    // Behaviour 39
    @Test(arguments: LoopKind.allCases)
    func outputCanBeReadAfterTheExit(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let process = try loop.startStreamed("echo out; echo err >&2; exit 3")
            try loop.run { () async throws in
                #expect(try await process.wait() == 3)
                #expect(text(try await process.stdout?.readToEnd() ?? []) == "out\n")
                #expect(text(try await process.stderr?.readLine() ?? []) == "err\n")
                #expect(try await process.stderr?.readLine() == [])
            }
            try loop.runToTheEnd(process)
        }
    }

    /// What is said of `wait()`: nobody reads, so the child cannot end.
    @Test(arguments: LoopKind.allCases)
    func aChildWhoseOutputNobodyReadsStops(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let process = try loop.startStreamed("head -c 1000000 /dev/zero; exit 7", limit: 1_000)
            let wait = loop.createTask { try await process.wait() }
            try loop.turn(until: { process.stdout?.isSourcePaused == true })
            try loop.settle()
            #expect(!wait.done && process.returnCode == nil)
            #expect(try #require(process.stdout).heldCount < 500_000)
            let output = try loop.run { try await process.communicate().stdout }
            #expect(output == [UInt8](repeating: 0, count: 1_000_000))
            #expect(try loop.runUntilComplete(wait) == 7)
            try loop.runToTheEnd(process)
        }
    }

    // Pitfall 71
    @Test(arguments: LoopKind.allCases)
    func waitDoesNotWaitForAGrandchildWithThePipes(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // What a shell starts in the background has no input unless it is given one.
            let process = try loop.startStreamed("exec 3<&0; cat <&3 & exit 5")
            try loop.run { () async throws in
                #expect(try await process.wait() == 5)
                process.stdin?.write("late\n")
                #expect(text(try await process.stdout?.readLine() ?? []) == "late\n")
                process.stdin?.close()
                #expect(try await process.stdout?.readToEnd() == [])
            }
            try loop.runToTheEnd(process)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func closingEndsTheChildAndLeavesWhatWasReceived(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let process = try loop.startStreamed("echo ready; exec cat")
            try loop.turn(until: { process.stdout?.heldCount == 6 })
            process.close()
            process.close()
            try loop.run { () async throws in
                #expect(text(try await process.stdout?.readToEnd() ?? []) == "ready\n")
                #expect(try await process.wait() == -SIGKILL)
            }
            try loop.runToTheEnd(process)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aDroppedProcessGetsNoMoreInput(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for keepsWriter in [false, true] {
                var writer: StreamWriter?
                try loop.run { () async throws in
                    let process = try await loop.createSubprocessShell("exec cat", options: ProcessOptions())
                    process.stdin?.write("unread")
                    if keepsWriter { writer = process.stdin }
                }
                if keepsWriter {
                    try loop.settle()
                    #expect(loop.openProcesses.count == 1)
                    #expect(writer?.isClosing == false)
                    writer = nil
                }
                try loop.turn(until: { loop.openProcesses.count == 0 && loop.openTransports.count == 0 })
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aClosedLoopRefusesEveryCall(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let process = try loop.startStreamed("exec sleep 3600")
            let ended = try loop.startStreamed("exit 0")
            let pid = process.pid
            try loop.runToTheEnd(ended, others: 3)
            try loop.close()
            let calls: [() async throws -> Void] = [
                { _ = try await loop.createSubprocessExec("/bin/true") },
                { _ = try await loop.createSubprocessShell("exit 0", options: ProcessOptions()) },
                { _ = try await loop.runProcess("/bin/true") },
                { _ = try await loop.runShell("exit 0", timeout: .seconds(1)) },
                { _ = try await process.communicate(input: "text") },
                { _ = try await process.wait() },
                { _ = try await ended.communicate() },
            ]
            let other = try kind.makeLoop()
            for call in calls {
                let error = #expect(throws: EventLoopError.self) { try other.run(call) }
                guard case .closed? = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
            }
            // What is known is known.
            #expect(try other.run { try await ended.wait() } == 0)
            try other.close()
            #expect(try !process.kill())
            process.close()
            waitUntilReaped(pid)
        }
    }
}

extension BaseEventLoop {
    /// Waits until the child is over, while the transports of others are open.
    fileprivate func runToTheEnd(_ process: StreamedProcess, others: Int) throws {
        try run { await process.streams.waitUntilOver() }
        expectGone(process.pid)
        try turn(until: { self.openTransports.count == others })
    }
}
