import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Non-blocking is a property of the open file, which others share.
@Suite struct SharedPipeTests {
    enum Kind: CaseIterable, Sendable {
        case pipe, fifo, socket, terminal
    }

    /// A stream that is open for writing, and what keeps its other end.
    private struct Shared {
        let descriptor: FileDescriptor
        let keeper: AnyObject

        init(_ kind: Kind) throws {
            switch kind {
            case .pipe:
                let pipe = try RawPipe()
                (descriptor, keeper) = (pipe.lend(pipe.writing), pipe)
            case .fifo:
                let place = try TemporaryFile.namedPipe()
                let reader = try FileDescriptor.open(
                    place.path,
                    .readOnly,
                    options: [.nonBlocking, .closeOnExec]
                )
                descriptor = try FileDescriptor.open(place.path, .writeOnly, options: .closeOnExec)
                keeper = RawPeer(reader)
            case .socket:
                let pair = try SocketPair(.unix)
                (descriptor, keeper) = (pair.first, RawPeer(pair.second))
            case .terminal:
                let terminal = try TestTerminal()
                (descriptor, keeper) = (try terminal.takeSide(), terminal)
            }
        }

        var isNonBlocking: Bool { fcntl(descriptor.rawValue, F_GETFL) & O_NONBLOCK != 0 }

        func setNonBlocking(_ isNonBlocking: Bool) {
            let flags = fcntl(descriptor.rawValue, F_GETFL)
            _ = fcntl(
                descriptor.rawValue,
                F_SETFL,
                isNonBlocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
            )
        }
    }

    private static func duplicate(_ descriptor: FileDescriptor) throws -> FileDescriptor {
        FileDescriptor(rawValue: try SocketPair.check(fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, 3)))
    }

    @Test(arguments: LoopKind.allCases, Kind.allCases)
    func whoSharesWhatATransportWritesToDoesNotNotice(kind: LoopKind, of: Kind) async throws {
        try await kind.withLoop { loop in
            let shared = try Shared(of)
            let recorder = RecordingProtocol()
            let end = try Self.duplicate(shared.descriptor)
            let transport = try loop.run { try await loop.connectWritePipe(end) { recorder }.transport }
            #expect(transport.extraInfo(.pipe) == end)
            transport.write("head\n")
            try loop.turn { transport.writeBufferSize == 0 }
            #expect(!shared.isNonBlocking)
            transport.close()
            try loop.turnUntilClosed(transport)
            try loop.rest { fcntl(end.rawValue, F_GETFD) == -1 }
            #expect(!shared.isNonBlocking && recorder.lostCount == 1)
            try shared.descriptor.close()
        }
    }

    @Test(arguments: LoopKind.allCases, Kind.allCases)
    func aLoopGoesOnWhenSomebodyMakesItsPipeBlocking(kind: LoopKind, of: Kind) async throws {
        for wasNonBlocking in [false, true] {
            try await Self.checkGoingOn(kind, of, wasNonBlocking: wasNonBlocking)
        }
    }

    private static func checkGoingOn(_ kind: LoopKind, _ of: Kind, wasNonBlocking: Bool) async throws {
        try await kind.withLoop { loop in
            let shared = try Shared(of)
            shared.setNonBlocking(wasNonBlocking)
            let recorder = RecordingProtocol()
            let end = try Self.duplicate(shared.descriptor)
            let transport = try loop.run { try await loop.connectWritePipe(end) { recorder }.transport }
            shared.setNonBlocking(false)
            // Nobody reads: a write(2) would never return.
            transport.write(patternBytes(1 << 20))
            try loop.settle()
            #expect(transport.writeBufferSize > 0)
            transport.abort()
            try loop.turnUntilClosed(transport)
            try shared.descriptor.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aLoopGoesOnWhenSomebodyMakesTheReadEndBlocking(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let pipe = try RawPipe()
            let end = pipe.lend(pipe.reading)
            let copy = try Self.duplicate(end)
            let transport = try loop.run { try await loop.connectReadPipe(end) { recorder }.transport }
            _ = fcntl(copy.rawValue, F_SETFL, fcntl(copy.rawValue, F_GETFL) & ~O_NONBLOCK)
            pipe.write(Array("hello".utf8))
            try loop.turn { recorder.text == "hello" }
            try loop.settle()
            #expect(fcntl(copy.rawValue, F_GETFL) & O_NONBLOCK == 0)
            transport.close()
            try loop.turnUntilClosed(transport)
            try copy.close()
        }
    }

    @Test(arguments: LoopKind.allCases, Kind.allCases)
    func aChildFindsItsStreamsBlocking(kind: LoopKind, of: Kind) async throws {
        try await kind.withLoop { loop in
            let shared = try Shared(of)
            shared.setNonBlocking(true)
            var options = ProcessOptions()
            options.standardInput = .null
            options.standardError = .descriptor(shared.descriptor)
            // The shell tells of its standard error: whether the flag 04000 is among those of the open file.
            let flags = try loop.outputOfShell("exec 3</proc/self/fdinfo/2; cat <&3", options: options)
            let line = try #require(flags.split(separator: "\n").first { $0.hasPrefix("flags:") })
            let value = try #require(Int32(line.split(separator: "\t").last ?? "", radix: 8))
            #expect(value & O_NONBLOCK == 0)
            // A socket cannot be opened once more, so there the flag is everybody's.
            #expect(shared.isNonBlocking == (of != .socket))
            try shared.descriptor.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aChildWritesAllToAPipeThatATransportHasToo(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pipe = try RawPipe()
            let output = pipe.lend(pipe.writing)
            let recorder = RecordingProtocol()
            let end = try Self.duplicate(output)
            let transport = try loop.run { try await loop.connectWritePipe(end) { recorder }.transport }
            transport.write("head\n")
            try loop.turn { transport.writeBufferSize == 0 }
            var options = ProcessOptions()
            options.standardInput = .null
            options.standardOutput = .descriptor(output)
            let (child, subprocess) = try loop.startShell("seq 1 100000", options: options)
            try output.close()
            transport.close()
            try loop.rest {
                pipe.read()
                return subprocess.lostCount == 1
            }
            #expect(child.returnCode == 0 && subprocess.errorText == "")
            #expect(pipe.readToEnd())
            #expect(pipe.received.count == 588_895 + 5)
            try loop.turnUntilClosed(transport)
        }
    }
}
