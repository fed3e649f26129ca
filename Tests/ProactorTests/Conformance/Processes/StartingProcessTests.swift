import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct StartingProcessTests {
    @Test(arguments: LoopKind.allCases)
    func aMissingProgramIsNamed(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let directory = try TestDirectory()
            let plain = directory.path(of: "plain")
            try Data("text".utf8).write(to: URL(filePath: plain))
            func failure(_ program: String, _ options: ProcessOptions = ProcessOptions()) -> ProcessError? {
                #expect(throws: ProcessError.self) {
                    try loop.run {
                        try await loop.subprocessExec(program, arguments: [], options: options) {
                            RecordingSubprocess()
                        }
                    }
                }
            }
            #expect(
                failure("/no/such/program")
                    == ProcessError(.start, .noSuchFileOrDirectory, path: "/no/such/program")
            )
            // Not the own PATH: a folder in it that may not be entered would be the reason instead.
            var ordinary = ProcessOptions()
            ordinary.environment = ["PATH": "/usr/bin:/bin"]
            #expect(
                failure("no-such-program", ordinary)
                    == ProcessError(.start, .noSuchFileOrDirectory, path: "no-such-program")
            )
            #expect(failure("") == ProcessError(.start, .noSuchFileOrDirectory, path: ""))
            #expect(failure(plain) == ProcessError(.start, .permissionDenied, path: plain))
            var elsewhere = ProcessOptions()
            elsewhere.workingDirectory = directory.path(of: "missing")
            #expect(
                failure("/bin/true", elsewhere)
                    == ProcessError(
                        .enterDirectory,
                        .noSuchFileOrDirectory,
                        path: directory.path(of: "missing")
                    )
            )
            elsewhere = ProcessOptions()
            elsewhere.environment = ["PATH": directory.path]
            #expect(failure("plain", elsewhere) == ProcessError(.start, .permissionDenied, path: "plain"))
            #expect(loop.openTransports.count == 0)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aFailedStartLeavesNoPipe(kind: LoopKind) async throws {
        try await kind.withPipeRecordingLoop { loop, pipes in
            #expect(throws: ProcessError.self) {
                try loop.run { try await loop.subprocessExec("/no/such/program") { RecordingSubprocess() } }
            }
            #expect(throws: TestError(number: 3)) {
                try loop.run {
                    try await loop.subprocessExec("/bin/true") { () throws -> RecordingSubprocess in
                        throw TestError(number: 3)
                    }
                }
            }
            #expect(pipes.made.count == 3)
            #expect(openPipes().isDisjoint(with: pipes.made))
            // Nor does one that went well, in the end.
            let (child, recorder) = try loop.startShell("exit 0")
            #expect(pipes.made.count == 6)
            try loop.runToTheEnd(child, recorder)
            try loop.turn { loop.openTransports.count == 0 && loop.backend.operationCount == 0 }
            #expect(openPipes().isDisjoint(with: pipes.made))
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func whatCannotBeHandedOverIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var wrong: [(String, [String], ProcessOptions)] = [
                ("/bin/true\0", [], ProcessOptions()), ("/bin/true", ["\0"], ProcessOptions()),
            ]
            for environment in [["": "x"], ["A=B": "x"], ["A": "\0"], ["A\0": ""]] {
                var options = ProcessOptions()
                options.environment = environment
                wrong.append(("/bin/true", [], options))
            }
            var options = ProcessOptions()
            options.workingDirectory = "/tmp\0"
            wrong.append(("/bin/true", [], options))
            options = ProcessOptions()
            options.group = .joining(0)
            wrong.append(("/bin/true", [], options))
            for (program, arguments, options) in wrong {
                let error = #expect(throws: EventLoopError.self) {
                    try loop.run {
                        try await loop.subprocessExec(program, arguments: arguments, options: options) {
                            RecordingSubprocess()
                        }
                    }
                }
                guard case .invalidArgument? = error else {
                    Issue.record("an invalid argument is said to be one: \(String(describing: error))")
                    continue
                }
            }
        }
    }

    /// It says what it was, and of arguments and the environment's values, which may be secrets, only where.
    @Test(arguments: LoopKind.everywhere)
    func whatHoldsAZeroByteIsNamed(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            func refusal(
                _ program: String = "/bin/true",
                _ arguments: [String] = [],
                _ change: (inout ProcessOptions) -> Void = { _ in }
            ) -> String {
                var options = ProcessOptions()
                change(&options)
                let error = #expect(throws: EventLoopError.self) {
                    try loop.run {
                        try await loop.subprocessExec(program, arguments: arguments, options: options) {
                            RecordingSubprocess()
                        }
                    }
                }
                return error.map { "\($0)" } ?? ""
            }
            #expect(
                refusal("/bin/true\0/x").contains("the program's name \"/bin/true\\0/x\" holds a zero byte")
            )
            let argument = refusal("/bin/true", ["a", "secret\0"])
            #expect(argument.contains("argument 2 of /bin/true holds a zero byte"))
            let value = refusal { $0.environment = ["A": "b", "NAME": "secret\0"] }
            #expect(value.contains("the value of NAME in a child's environment holds a zero byte"))
            #expect(!"\(argument) \(value)".contains("secret"))
            let name = refusal { $0.environment = ["A\0B": ""] }
            #expect(name.contains("the name \"A\\0B\" in a child's environment holds a zero byte"))
            let directory = refusal { $0.workingDirectory = "/tmp\0" }
            #expect(directory.contains("the working directory \"/tmp\\0\" of /bin/true holds a zero byte"))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func streamsGoWhereTheyAreSent(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var options = ProcessOptions()
            options.standardInput = .null
            options.standardError = .standardOutput
            #expect(try loop.outputOfShell("cat; echo one >&2; echo two", options: options) == "one\ntwo\n")
            options.standardError = .null
            #expect(try loop.outputOfShell("echo one >&2; echo two", options: options) == "two\n")

            // Descriptors stay the caller's.
            let (from, to) = (try RawPipe(), try RawPipe())
            from.write("through descriptors".utf8)
            from.close(from.writing)
            options.standardInput = .descriptor(from.reading)
            options.standardOutput = .descriptor(to.writing)
            options.standardError = .standardOutput
            let (child, recorder) = try loop.startShell("cat; echo ! >&2", options: options)
            #expect(child.getPipeTransport(1) == nil)
            try loop.runToTheEnd(child, recorder)
            #expect(recorder.events == [.made, .exited, .lost])
            to.close(to.writing)
            to.read()
            #expect(String(decoding: to.received, as: UTF8.self) == "through descriptors!\n")

            // This process's own, in their places and crossed.
            let own = getpid()
            options = ProcessOptions()
            options.standardInput = .inherited
            // In its place already.
            options.standardError = .descriptor(.standardError)
            let same =
                "[ /proc/self/fd/0 -ef /proc/\(own)/fd/0 ] && [ /proc/self/fd/2 -ef /proc/\(own)/fd/2 ]"
            #expect(try loop.outputOfShell("\(same) && echo same", options: options) == "same\n")
            options.standardInput = .pipe
            options.standardOutput = .descriptor(.standardError)
            options.standardError = .descriptor(.standardInput)
            let crossed =
                "[ /proc/self/fd/1 -ef /proc/\(own)/fd/2 ] && [ /proc/self/fd/2 -ef /proc/\(own)/fd/0 ]"
            let (other, otherRecorder) = try loop.startShell(crossed, options: options)
            try loop.runToTheEnd(other, otherRecorder)
            #expect(other.returnCode == 0)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func environmentAndDirectoryAreTheChilds(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let directory = try TestDirectory()
            // A link, for a file that was just written can be open in another test's child, and busy.
            let program = directory.path(of: "program")
            try FileManager.default.createSymbolicLink(atPath: program, withDestinationPath: "/bin/sh")
            let script = ["-c", #"echo "$0 $1 in $(pwd) with [$A]""#, "x y", "z"]
            var options = ProcessOptions()
            options.environment = ["A": "b c=d", "PATH": "/nowhere:\(directory.path)"]
            options.workingDirectory = "/"
            let recorder = RecordingSubprocess()
            // By name, in the PATH that it was given.
            let (child, _) = try loop.run {
                try await loop.subprocessExec("program", arguments: script, options: options) { recorder }
            }
            try loop.runToTheEnd(child, recorder)
            #expect(recorder.outputText == "x y z in / with [b c=d]\n")
            #expect(try loop.outputOfShell("echo $A", options: options) == "b c=d\n")
            // A relative path starts in the child's directory.
            options.workingDirectory = directory.path
            let relative = RecordingSubprocess()
            let (second, _) = try loop.run {
                try await loop.subprocessExec("./program", arguments: script, options: options) { relative }
            }
            try loop.runToTheEnd(second, relative)
            #expect(relative.outputText.contains("in \(directory.path) with"))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func groupsAndSessions(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            func start(_ group: ProcessOptions.Group) throws -> (any SubprocessTransport, RecordingSubprocess)
            {
                var options = ProcessOptions()
                options.group = group
                return try loop.startShell("cat", options: options)
            }
            let started = [try start(.inherited), try start(.new), try start(.newSession)]
            let pids = started.map { $0.0.pid }
            let joined = try start(.joining(pids[1]))
            #expect(getpgid(pids[0]) == getpgrp() && getsid(pids[0]) == getsid(0))
            #expect(getpgid(pids[1]) == pids[1] && getsid(pids[1]) == getsid(0))
            #expect(getpgid(pids[2]) == pids[2] && getsid(pids[2]) == pids[2])
            #expect(getpgid(joined.0.pid) == pids[1])
            for (child, recorder) in started + [joined] {
                child.getPipeTransport(0)?.close()
                try loop.runToTheEnd(child, recorder)
                #expect(child.returnCode == 0)
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aChildHasNoDescriptorThatItWasNotGiven(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // One that would be inherited, at a number that no other test gets meanwhile.
            let extra = fcntl(0, F_DUPFD, 777)
            #expect(extra >= 777)
            defer { _ = close(extra) }
            // The shell asks for each by itself: a directory's listing would show its own descriptor.
            let list =
                "n=0; while [ $n -le \(extra) ]; do [ -e /proc/$$/fd/$n ] && echo $n; n=$((n + 1)); done"
            #expect(try loop.outputOfShell(list) == "0\n1\n2\n")
            var options = ProcessOptions()
            options.closesOtherDescriptors = false
            let numbers = try loop.outputOfShell(list, options: options).split(separator: "\n")
            #expect(numbers.contains("\(extra)"))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aChildStartsWithoutBlockedSignals(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var set = sigset_t()
            sigemptyset(&set)
            sigaddset(&set, SIGTERM)
            // This loop's thread only, which ends with the test.
            pthread_sigmask(SIG_BLOCK, &set, nil)
            // As a program that wants EFBIG instead; nothing here raises it.
            var ignored = sigaction()
            ignored.__sigaction_handler.sa_handler = unsafeBitCast(1, to: sighandler_t?.self)
            sigaction(SIGXFSZ, &ignored, nil)
            let status = try loop.outputOfShell("grep -E '^Sig(Blk|Ign)' /proc/self/status")
            let lines = status.split(separator: "\n").map { $0.split(separator: "\t") }
            #expect(lines.count == 2)
            let blocked = UInt64(lines[0][1], radix: 16)
            #expect(blocked == 0)
            let signals = try #require(UInt64(lines[1][1], radix: 16))
            for signal in [SIGPIPE, SIGXFSZ] { #expect(signals & (1 << UInt64(signal - 1)) == 0) }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theShortFormsSayTheSame(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingSubprocess()
            let (child, _) = try loop.run {
                try await loop.subprocessExec(
                    "sh",
                    "-c",
                    "cat; echo $A in $(pwd) >&2",
                    standardInput: .null,
                    standardError: .standardOutput,
                    environment: ["A": "b", "PATH": "/usr/bin:/bin"],
                    workingDirectory: "/",
                    group: .new
                ) { recorder }
            }
            try loop.runToTheEnd(child, recorder)
            #expect(recorder.outputText == "b in /\n")
            let second = RecordingSubprocess()
            let (shell, _) = try loop.run {
                try await loop.subprocessShell("cat; exit 2", standardInput: .null) { second }
            }
            try loop.runToTheEnd(shell, second)
            #expect(shell.returnCode == 2)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aProgramIsLookedForFromTheChildsDirectory(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let directory = try TestDirectory()
            let below = directory.path(of: "below")
            try FileManager.default.createDirectory(atPath: below, withIntermediateDirectories: false)
            for path in [directory.path(of: "here"), below + "/there"] {
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/bin/sh")
            }
            var options = ProcessOptions()
            options.workingDirectory = directory.path
            // An empty entry is the directory itself.
            for (program, path) in [("here", "/nowhere::/none"), ("here", ""), ("there", "/nowhere:below")] {
                options.environment = ["PATH": path]
                let recorder = RecordingSubprocess()
                let request = options
                let (child, _) = try loop.run {
                    try await loop.subprocessExec(program, arguments: ["-c", "echo found"], options: request)
                    {
                        recorder
                    }
                }
                try loop.runToTheEnd(child, recorder)
                #expect(recorder.outputText == "found\n")
            }
        }
    }
}
