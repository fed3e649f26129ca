import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Child processes that are over when their scope is.
@Suite struct ScopedProcessTests {
    private enum WayOut: CaseIterable { case returns, throwsError, isCancelled, isLate }

    /// A child and one of its own, both of which would stay, and have the witness open.
    private let family = "sleep 3600 & echo ready; wait"

    @Test(arguments: LoopKind.allCases, WayOut.allCases)
    private func aScopeEndsTheWholeGroupInEveryWayOut(kind: LoopKind, way: WayOut) async throws {
        try await kind.withPipeRecordingLoop { loop, pipes in
            let witness = try RawPipe()
            let end = witness.lend(witness.writing)
            var options = ProcessOptions()
            options.standardError = .descriptor(end)
            var pid: Int32?
            let scope = loop.createTask {
                try await timeout(way == .isLate ? .milliseconds(100) : nil) { _ in
                    try await loop.withSubprocessShell(family, options: options) { child in
                        pid = child.pid
                        let line = text(try await child.stdout?.readLine() ?? [])
                        switch way {
                        case .returns: return line
                        case .throwsError: throw TestError(number: 1)
                        case .isCancelled:
                            withUnsafeCurrentTask { $0?.cancel() }
                            try await child.wait()
                        case .isLate: try await child.wait()
                        }
                        return "ended by itself"
                    }
                }
            }
            switch way {
            case .returns: #expect(try loop.runUntilComplete(scope) == "ready\n")
            case .throwsError:
                #expect(throws: TestError(number: 1)) { try loop.runUntilComplete(scope) }
            case .isCancelled: #expect(throws: CancellationError.self) { try loop.runUntilComplete(scope) }
            case .isLate: #expect(throws: TimeoutError.self) { try loop.runUntilComplete(scope) }
            }
            // It was reaped, and its pipes were closed, before the scope was left.
            #expect(loop.openProcesses.count == 0)
            expectGone(try #require(pid))
            try end.close()
            #expect(witness.readToEnd())
            try expectNothingLeft(loop, pipes)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aChildThatEndsByItselfIsLeftToIt(kind: LoopKind) async throws {
        try await kind.withPipeRecordingLoop { loop, pipes in
            try loop.run { () async throws in
                let (code, answer) = try await loop.withSubprocessExec("cat", "-") { cat in
                    let input = try #require(cat.stdin)
                    input.write("through\n")
                    let line = text(try await cat.stdout?.readLine() ?? [])
                    input.close()
                    return (try await cat.wait(), line)
                }
                #expect(code == 0 && answer == "through\n")
                var options = ProcessOptions()
                options.workingDirectory = "/"
                let place = try await loop.withSubprocessExec("pwd", arguments: [], options: options) { pwd in
                    try await pwd.communicate().stdout
                }
                #expect(text(place) == "/\n")
            }
            try expectNothingLeft(loop, pipes)
        }
    }

    /// Asked to end, it may tidy up within the scope.
    @Test(arguments: LoopKind.allCases)
    func aChildMayBeAskedFirst(kind: LoopKind) async throws {
        try await kind.withPipeRecordingLoop { loop, pipes in
            let farewell = try loop.run {
                try await loop.withSubprocessShell(
                    "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done"
                ) {
                    child in
                    _ = try await child.stdout?.readLine()
                    try child.terminate()
                    return text(try await child.stdout?.readLine() ?? []) + String(try await child.wait())
                }
            }
            #expect(farewell == "bye\n7")
            try expectNothingLeft(loop, pipes)
        }
    }

    /// Who has the child's pipes and has left its group holds up nothing.
    @Test(arguments: LoopKind.allCases)
    func whoHasLeftTheGroupHoldsUpNothing(kind: LoopKind) async throws {
        try await kind.withPipeRecordingLoop { loop, pipes in
            let number = try loop.run {
                try await loop.withSubprocessShell("setsid sh -c 'echo $$; exec sleep 3600' & wait") {
                    child in
                    Int32(text(try await child.stdout?.readLine() ?? []).dropLast())
                }
            }
            kill(try #require(number), SIGKILL)
            try expectNothingLeft(loop, pipes)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatCannotBeStartedIsNoScope(kind: LoopKind) async throws {
        try await kind.withPipeRecordingLoop { loop, pipes in
            var entered = 0
            #expect(throws: ProcessError.self) {
                try loop.run { try await loop.withSubprocessExec("/no/such/program") { _ in entered += 1 } }
            }
            let cancelled = loop.createTask {
                withUnsafeCurrentTask { $0?.cancel() }
                try await loop.withSubprocessShell("exec sleep 3600") { _ in entered += 1 }
            }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(cancelled) }
            #expect(entered == 0)
            try expectNothingLeft(loop, pipes)
        }
    }

    private func expectNothingLeft(_ loop: BaseEventLoop, _ pipes: RecordingProcessCalls) throws {
        #expect(loop.openProcesses.count == 0 && loop.tasks.all.isEmpty)
        try loop.turn(until: { loop.openTransports.count == 0 && loop.backend.operationCount == 0 })
        #expect(openPipes().isDisjoint(with: pipes.made))
    }
}
