import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Programs that are run to their end by one call.
@Suite struct RunProcessTests {
    @Test(arguments: LoopKind.allCases)
    func whatAProgramWritesIsReturned(kind: LoopKind) async throws {
        try await kind.withPipeRecordingLoop { loop, pipes in
            try loop.run { () async throws in
                let echo = try await loop.runProcess("/bin/echo", "a", "b c")
                #expect(echo == ProcessOutput(returnCode: 0, stdout: Array("a b c\n".utf8)))
                #expect(echo.isSuccess && echo.text == "a b c\n" && echo.errorText == "")
                let failed = try await loop.runShell("cat; echo no >&2; exit 3", input: Array("in".utf8))
                #expect(failed.returnCode == 3 && !failed.isSuccess)
                #expect(failed.text == "in" && failed.errorText == "no\n")
                #expect(try await loop.runShell("kill -TERM $$").returnCode == -SIGTERM)
                // Without an input there is none.
                #expect(try await loop.runProcess("cat", timeout: .seconds(30)).stdout == [])
                var options = ProcessOptions()
                options.standardError = .standardOutput
                options.workingDirectory = "/"
                let mixed = try await loop.runProcess(
                    "/bin/sh",
                    arguments: ["-c", "pwd; pwd >&2"],
                    options: options
                )
                #expect(mixed.text == "/\n/\n" && mixed.stderr == [])
            }
            try expectNothingLeft(loop, pipes)
        }
    }

    // Pitfall 71
    @Test(arguments: LoopKind.allCases, [false, true])
    func aTimeoutEndsTheWholeGroup(kind: LoopKind, startsSession: Bool) async throws {
        try await kind.withPipeRecordingLoop { loop, pipes in
            let witness = try RawPipe()
            var options = ProcessOptions()
            if startsSession { options.group = .newSession }
            let end = witness.lend(witness.writing)
            options.standardError = .descriptor(end)
            let error = #expect(throws: TimeoutError.self) {
                try loop.run {
                    try await loop.runShell(
                        "sleep 3600 & (sleep 3600 & wait) & echo out; wait",
                        options: options,
                        input: patternBytes(1 << 20),
                        timeout: .milliseconds(100)
                    )
                }
            }
            #expect(error?.timeout == .milliseconds(100))
            // None of them is left who could write.
            try end.close()
            #expect(witness.readToEnd())
            try expectNothingLeft(loop, pipes)
        }
    }

    // Pitfall 71
    @Test(arguments: LoopKind.allCases)
    func aTimeoutReachesThoseWhoOutliveTheLeader(kind: LoopKind) async throws {
        try await kind.withPipeRecordingLoop { loop, pipes in
            let witness = try RawPipe()
            var options = ProcessOptions()
            let end = witness.lend(witness.writing)
            options.standardError = .descriptor(end)
            #expect(throws: TimeoutError.self) {
                try loop.run {
                    try await loop.runShell(
                        // It stays with its input's end, where its group cannot be reached.
                        "exec 3<&0; sleep 3600 <&3 & echo $! >&2; exit 0",
                        options: options,
                        timeout: .milliseconds(100)
                    )
                }
            }
            try end.close()
            if !KernelRelease.isAtLeast(6, 9) {
                witness.read()
                let number = Int32(text(witness.received).dropLast())
                if let number { kill(number, SIGKILL) }
            }
            #expect(witness.readToEnd())
            try expectNothingLeft(loop, pipes)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelEndsTheWholeGroup(kind: LoopKind) async throws {
        try await kind.withPipeRecordingLoop { loop, pipes in
            let witness = try RawPipe()
            var options = ProcessOptions()
            let end = witness.lend(witness.writing)
            options.standardError = .descriptor(end)
            let task = loop.createTask {
                try await loop.runShell("sleep 3600 & echo ready >&2; wait", options: options)
            }
            try loop.turn(until: {
                witness.read()
                return text(witness.received) == "ready\n"
            })
            task.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(loop.openProcesses.count == 0)
            try end.close()
            #expect(witness.readToEnd())
            try expectNothingLeft(loop, pipes)
        }
    }

    /// Nobody waits for it: its pipe is closed.
    @Test(arguments: LoopKind.allCases)
    func whoHasLeftTheGroupHoldsUpNothing(kind: LoopKind) async throws {
        try await kind.withPipeRecordingLoop { loop, pipes in
            let witness = try RawPipe()
            var options = ProcessOptions()
            let end = witness.lend(witness.writing)
            options.standardError = .descriptor(end)
            let task = loop.createTask {
                try await loop.runShell(
                    "setsid sh -c 'echo $$ >&2; exec sleep 3600' & wait",
                    options: options
                )
            }
            try loop.turn(until: {
                witness.read()
                return witness.received.last == UInt8(ascii: "\n")
            })
            task.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            try expectNothingLeft(loop, pipes)
            try end.close()
            kill(try #require(Int32(text(witness.received).dropLast())), SIGKILL)
            #expect(witness.readToEnd())
        }
    }

    @Test(arguments: LoopKind.allCases)
    func tooMuchOutputEndsTheProgram(kind: LoopKind) async throws {
        try await kind.withPipeRecordingLoop { loop, pipes in
            let error = #expect(throws: ProcessOutputError.self) {
                try loop.run { try await loop.runProcess("cat", "/dev/zero", limit: 200_000) }
            }
            #expect(error?.limit == 200_000 && error?.descriptor == 1)
            #expect(throws: EventLoopError.self) {
                try loop.run { try await loop.runShell("exec sleep 3600", limit: -1) }
            }
            try expectNothingLeft(loop, pipes)
        }
    }

    /// A group that it does not lead is another's.
    @Test(arguments: LoopKind.allCases)
    func aProgramThatJoinsAGroupIsEndedAlone(kind: LoopKind) async throws {
        try await kind.withPipeRecordingLoop { loop, pipes in
            var options = ProcessOptions()
            options.group = .new
            let leader = try loop.startStreamed("exec sleep 3600", options: options)
            options.group = .joining(leader.pid)
            #expect(throws: TimeoutError.self) {
                try loop.run {
                    try await loop.runShell("exec sleep 3600", options: options, timeout: .milliseconds(20))
                }
            }
            #expect(loop.openProcesses.count == 1 && leader.returnCode == nil)
            #expect(try leader.kill())
            try loop.runToTheEnd(leader)
            try expectNothingLeft(loop, pipes)
        }
    }

    private func expectNothingLeft(_ loop: BaseEventLoop, _ pipes: RecordingProcessCalls) throws {
        #expect(loop.openProcesses.count == 0 && loop.tasks.all.isEmpty)
        try loop.turn(until: { loop.openTransports.count == 0 && loop.backend.operationCount == 0 })
        #expect(openPipes().isDisjoint(with: pipes.made))
    }
}
