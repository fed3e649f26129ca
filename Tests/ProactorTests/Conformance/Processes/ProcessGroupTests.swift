import CPosix
import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Signals to all of the processes that a child has started.
@Suite struct ProcessGroupTests {
    private static func options(_ group: ProcessOptions.Group) -> ProcessOptions {
        var options = ProcessOptions()
        options.group = group
        options.standardInput = .null
        return options
    }

    /// Its children keep the output open, which so tells of their end.
    @Test(arguments: LoopKind.allCases, [ProcessOptions.Group.new, .newSession])
    func aGroupEndsWithItsLeader(kind: LoopKind, group: ProcessOptions.Group) async throws {
        try await kind.withLoop { loop in
            let (child, recorder) = try loop.startShell(
                "sleep 3600 & sleep 3600 & echo ready; wait",
                options: Self.options(group)
            )
            try loop.run(recorder, until: { recorder.outputText == "ready\n" })
            #expect(try child.killGroup())
            try loop.runToTheEnd(child, recorder)
            #expect(child.returnCode == -SIGKILL)
        }
    }

    // Whoever is left when the leader is reaped.
    @Test(arguments: LoopKind.allCases)
    func aGroupIsReachedWhenItsLeaderIsGone(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (child, recorder) = try loop.startShell(
                // Ended by the signal that comes, or by none.
                "(sleep 3600 & exec sleep 3600) & exit 3",
                options: Self.options(.new)
            )
            try loop.run(recorder, until: { recorder.events.contains(.exited) })
            #expect(child.returnCode == 3 && recorder.lostCount == 0)
            expectGone(child.pid)
            #expect(try !child.kill())
            guard KernelRelease.isAtLeast(6, 9) else {
                // The number may be anybody's.
                #expect(try !child.sendSignal(.terminate, toGroup: true))
                kill(-child.pid, SIGKILL)
                return try loop.runToTheEnd(child, recorder)
            }
            #expect(try child.sendSignal(.terminate, toGroup: true))
            try loop.runToTheEnd(child, recorder)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anEmptyGroupIsNobody(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (child, recorder) = try loop.startShell("exit 0", options: Self.options(.new))
            try loop.runToTheEnd(child, recorder)
            #expect(try !child.killGroup())
            #expect(throws: ProcessError(.signal, .invalidArgument)) {
                try child.sendSignal(Signal(rawValue: 100), toGroup: true)
            }
        }
    }

    @Test(arguments: LoopKind.allCases, [ProcessOptions.Group.inherited, .joining(getpgrp())])
    func aChildThatLeadsNoGroupHasNone(kind: LoopKind, group: ProcessOptions.Group) async throws {
        try await kind.withLoop { loop in
            let (child, recorder) = try loop.startShell("exec sleep 3600", options: Self.options(group))
            let error = #expect(throws: ProcessError.self) { try child.killGroup() }
            #expect(error?.errno == .invalidArgument && error?.description.contains("group") == true)
            #expect(child.returnCode == nil)
            #expect(try child.sendSignal(.kill, toGroup: false))
            try loop.runToTheEnd(child, recorder)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aClosedLoopHasNoGroups(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (child, _) = try loop.startShell("exec sleep 3600", options: Self.options(.new))
            let pid = child.pid
            try loop.close()
            #expect(try !child.killGroup())
            waitUntilReaped(pid)
        }
    }

    /// A number without a descriptor is no group's once its leader is reaped, even when there is a group of that number.
    @Test(arguments: LoopKind.allCases)
    func aReapedLeadersNumberIsNotUsed(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (child, recorder) = try loop.startShell("exec sleep 3600", options: Self.options(.new))
            let calls = loop.backend.system.processes
            let number = SpawnedProcess(pid: child.pid, descriptor: nil)
            #expect(throws: Errno.noSuchProcess) {
                try calls.sendSignal(.kill, toGroupOf: number, isReaped: true)
            }
            // Nor is that of a descriptor that is none of a process: a clock in its place.
            let clock = SpawnedProcess(pid: child.pid, descriptor: FileDescriptor(rawValue: cposix_eventfd()))
            #expect(throws: Errno.noSuchProcess) {
                try calls.sendSignal(.kill, toGroupOf: clock, isReaped: true)
            }
            try clock.descriptor?.close()
            #expect(child.returnCode == nil)
            // Before that it is the child's.
            try calls.sendSignal(.kill, toGroupOf: number, isReaped: false)
            try loop.runToTheEnd(child, recorder)
            // And it is nobody's when the program has reaped it, or it was no child of it.
            #expect(throws: Errno.noSuchProcess) {
                try calls.sendSignal(.kill, toGroupOf: number, isReaped: false)
            }
            #expect(throws: Errno.noSuchProcess) {
                try calls.sendSignal(.kill, toGroupOf: SpawnedProcess(pid: getppid()), isReaped: false)
            }
        }
    }
}
