import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// All that goes to a child and comes from it, in one call.
@Suite struct CommunicateTests {
    // Pitfall 70
    @Test(arguments: LoopKind.allCases)
    func muchGoesBothWaysAtOnce(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let content = patternBytes(16 << 20)
            let process = try loop.startStreamed("exec cat")
            let outputs = try loop.run { try await process.communicate(input: content) }
            // Not by an expectation's own comparison, which would print it.
            let isSame = outputs.stdout == content
            #expect(isSame && outputs.stderr == [])
            #expect(process.returnCode == 0)
            try loop.runToTheEnd(process)
        }
    }

    // Pitfall 70
    @Test(arguments: LoopKind.allCases)
    func bothOutputsMayBeLongerThanAPipe(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let content = patternBytes(2 << 20, seed: 3)
            let process = try loop.startStreamed("tee /proc/self/fd/2; exit 9", limit: 1_000)
            let outputs = try loop.run { try await process.communicate(input: content) }
            let areSame = (outputs.stdout == content, outputs.stderr == content)
            #expect(areSame.0 && areSame.1)
            #expect(process.returnCode == 9)
            try loop.runToTheEnd(process)
        }
    }

    // Pitfall 70, Behaviour 39
    @Test(
        arguments: LoopKind.allCases,
        ["exec <&-; echo out", "head -c 5 >/dev/null; echo out", "echo out; kill -KILL $$"]
    )
    func aChildThatDoesNotTakeItsInputIsNoError(kind: LoopKind, command: String) async throws {
        try await kind.withLoop { loop in
            let process = try loop.startStreamed(command)
            let outputs = try loop.run { try await process.communicate(input: patternBytes(4 << 20)) }
            #expect(text(outputs.stdout) == "out\n")
            #expect(process.returnCode == (command.contains("kill") ? -SIGKILL : 0))
            try loop.runToTheEnd(process)
            // Neither is one that has ended before.
            let ended = try loop.startStreamed("echo out")
            try loop.runToTheEnd(ended)
            #expect(text(try loop.run { try await ended.communicate(input: "text") }.stdout) == "out\n")
        }
    }

    // Pitfall 71
    @Test(arguments: LoopKind.allCases)
    func aGrandchildWithThePipeIsWaitedFor(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var options = ProcessOptions()
            options.group = .new
            let gate = try RawPipe()
            options.standardInput = .descriptor(gate.reading)
            // It ends when the gate is closed.
            let process = try loop.startStreamed(
                "exec 3<&0; (cat <&3; echo late) & echo early; exit 2",
                options: options
            )
            gate.close(gate.reading)
            let communicate = loop.createTask { try await process.communicate() }
            #expect(try loop.run { try await process.wait() } == 2)
            try loop.settle()
            #expect(!communicate.done)
            gate.close(gate.writing)
            #expect(text(try loop.runUntilComplete(communicate).stdout) == "early\nlate\n")
            try loop.runToTheEnd(process)
        }
    }

    @Test(arguments: LoopKind.allCases, [Int32(1), 2])
    func aLimitIsAnErrorAndLosesNothing(kind: LoopKind, descriptor: Int32) async throws {
        try await kind.withLoop { loop in
            let other = descriptor == 1 ? 2 : 1
            let process = try loop.startStreamed(
                "echo first >&\(other); head -c 500000 /dev/zero >&\(descriptor); echo last >&\(other)",
                limit: 1_000
            )
            let error = #expect(throws: ProcessOutputError.self) {
                try loop.run { try await process.communicate(limit: 100_000) }
            }
            #expect(error == ProcessOutputError(pid: process.pid, descriptor: descriptor, limit: 100_000))
            #expect(error?.description.contains("100000 bytes") == true)
            let reader = try #require(descriptor == 1 ? process.stdout : process.stderr)
            try loop.settle()
            // It is paused, and the child waits.
            #expect(reader.heldCount > 100_000 && reader.heldCount < 400_000)
            #expect(process.returnCode == nil)
            #expect(throws: ProcessOutputError.self) {
                try loop.run { try await process.communicate(limit: 100_000) }
            }
            // As much as the limit is not more than it.
            let outputs = try loop.run { try await process.communicate(limit: 500_000) }
            let isSame =
                (descriptor == 1 ? outputs.stdout : outputs.stderr) == [UInt8](repeating: 0, count: 500_000)
            #expect(isSame)
            #expect(text(descriptor == 1 ? outputs.stderr : outputs.stdout) == "first\nlast\n")
            try loop.runToTheEnd(process)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelLeavesTheChildRunningAndLosesNothing(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let content = patternBytes(4 << 20)
            let gate = try RawPipe()
            let (reading, writing) = (gate.reading, gate.writing)
            var options = ProcessOptions()
            options.standardError = .descriptor(reading)
            // Echoes a part, and goes on when it is let to.
            let process = try loop.startStreamed(
                "head -c 100000; read -r line <&2; exec cat",
                options: options
            )
            gate.close(reading)
            let first = loop.createTask { try await process.communicate(input: content) }
            try loop.turn(until: { process.stdout?.heldCount == 100_000 })
            first.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(first) }
            try loop.settle()
            #expect(process.returnCode == nil && process.stdin?.isClosing == false)
            #expect(throws: EventLoopError.self) {
                try loop.run { try await process.communicate(input: "more") }
            }
            gate.write("go\n".utf8)
            gate.close(writing)
            let output = try loop.run { try await process.communicate().stdout }
            let isSame = output.count > 100_000 && output == content
            #expect(isSame, "\(output.count) bytes")
            #expect(process.returnCode == 0)
            try loop.runToTheEnd(process)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelWorksAtEachWait(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // For an output, for the other one, for the end, for the input's end.
            let commands = [
                "exec sleep 3600", "exec >&-; exec sleep 3600", "exec >&- 2>&-; exec sleep 3600",
                "exec 3<&0; sleep 3600 <&3 >/dev/null 2>&1 & exit 0",
            ]
            for (index, command) in commands.enumerated() {
                var options = ProcessOptions()
                options.group = .new
                let process = try loop.startStreamed(command, options: options)
                let group = process.pid
                let task = loop.createTask { try await process.communicate(input: patternBytes(1 << 20)) }
                try loop.turn(until: {
                    switch index {
                    case 0: process.stdout?.isWaitedFor == true
                    case 1: process.stdout?.atEOF == true
                    case 2: process.stderr?.atEOF == true && process.stdout?.atEOF == true
                    default: process.returnCode == 0
                    }
                })
                try loop.settle(turns: 5)
                task.cancel()
                #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
                #expect(process.returnCode == (index == 3 ? 0 : nil))
                if index == 3 { Glibc.kill(-group, SIGKILL) }
                process.close()
                try loop.runToTheEnd(process)
                #expect(loop.tasks.all.isEmpty)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatIsRefusedHasNotBegun(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let process = try loop.startStreamed("exec cat")
            func expectRefused(_ body: @escaping () async throws -> Void) throws {
                #expect(throws: (any Error).self) { try loop.run(body) }
                #expect(process.stdin?.isClosing == false && !process.streams.wasFed)
            }
            try expectRefused { _ = try await process.communicate(limit: -1) }
            let cancelled = loop.createTask {
                withUnsafeCurrentTask { $0?.cancel() }
                _ = try await process.communicate(input: "text")
            }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(cancelled) }
            for reader in [process.stdout, process.stderr] {
                let reading = loop.createTask { try await reader?.readLine() }
                try loop.turn(untilReadBy: reader)
                try expectRefused { _ = try await process.communicate(input: "text") }
                reading.cancel()
                #expect(throws: CancellationError.self) { try loop.runUntilComplete(reading) }
            }
            process.close()
            try loop.runToTheEnd(process)
            // A second one is refused while the first goes on.
            let busy = try loop.startStreamed("exec sleep 3600")
            let first = loop.createTask { try await busy.communicate() }
            try loop.turn(untilReadBy: busy.stdout)
            #expect(throws: EventLoopError.self) { try loop.run { try await busy.communicate() } }
            #expect(!first.done)
            let silent = try loop.startStreamed("exec >&- 2>&-; exec sleep 3600")
            let last = loop.createTask { try await silent.communicate() }
            try loop.turn(until: { silent.stdout?.atEOF == true && silent.stderr?.atEOF == true })
            #expect(throws: EventLoopError.self) { try loop.run { try await silent.communicate() } }
            silent.close()
            #expect(try loop.runUntilComplete(last).stdout == [])
            try loop.run { await silent.streams.waitUntilOver() }
            try busy.kill()
            #expect(try loop.runUntilComplete(first).stdout == [])
            try loop.runToTheEnd(busy)
            var options = ProcessOptions()
            options.standardInput = .null
            let deaf = try loop.startStreamed("exit 0", options: options)
            let error = #expect(throws: EventLoopError.self) {
                try loop.run { try await deaf.communicate(input: "text") }
            }
            #expect(error.map { "\($0)" }?.contains(".pipe") == true)
            try loop.runToTheEnd(deaf)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatWasReadAndWrittenBeforeIsNotAgain(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let process = try loop.startStreamed("exec cat")
            let output = try loop.run { () async throws -> [UInt8] in
                process.stdin?.write("one\ntwo\n")
                #expect(text(try await process.stdout?.readLine() ?? []) == "one\n")
                return try await process.communicate(input: "three\n").stdout
            }
            #expect(text(output) == "two\nthree\n")
            try loop.runToTheEnd(process)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func manyAtOnceDoNotMix(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let contents = (0..<8).map { patternBytes(300_000, seed: $0) }
            let tasks = contents.map { content in
                loop.createTask { () async throws -> ([UInt8], Int32) in
                    let process = try await loop.createSubprocessShell("exec cat", options: ProcessOptions())
                    let output = try await process.communicate(input: content).stdout
                    return (output, try await process.wait())
                }
            }
            for (task, content) in zip(tasks, contents) {
                let (output, code) = try loop.runUntilComplete(task)
                let isSame = output == content
                #expect(isSame && code == 0)
            }
            try loop.turn(until: { loop.openProcesses.count == 0 && loop.openTransports.count == 0 })
        }
    }
}
