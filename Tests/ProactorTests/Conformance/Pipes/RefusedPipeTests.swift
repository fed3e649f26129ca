import CPosix
import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct RefusedPipeTests {
    @Test(arguments: LoopKind.allCases)
    func whatCannotBeWaitedForIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let directory = try TestDirectory()
            let kinds: [(FileDescriptor, DescriptorKind)] = [
                (
                    try FileDescriptor.open(
                        directory.path(of: "file"),
                        .readWrite,
                        options: [.create, .closeOnExec],
                        permissions: .ownerReadWrite
                    ), .regularFile
                ),
                (try FileDescriptor.open(directory.path, .readOnly, options: .closeOnExec), .directory),
                (try FileDescriptor.open("/dev/null", .readWrite, options: .closeOnExec), .device),
                (FileDescriptor(rawValue: cposix_eventfd()), .other),
            ]
            for (descriptor, found) in kinds {
                #expect(throws: PipeError.notAPipe(found)) {
                    try loop.run { try await loop.connectReadPipe(descriptor) { RecordingProtocol() } }
                }
                #expect(throws: PipeError.notAPipe(found)) {
                    try loop.run { try await loop.connectWritePipe(descriptor) { RecordingProtocol() } }
                }
                // Refused, it stays the caller's.
                try descriptor.close()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theWrongEndIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pipe = try RawPipe()
            #expect(throws: PipeError.notOpenForReading) {
                try loop.run { try await loop.connectReadPipe(pipe.writing) { RecordingProtocol() } }
            }
            #expect(throws: PipeError.notOpenForWriting) {
                try loop.run { try await loop.connectWritePipe(pipe.reading) { RecordingProtocol() } }
            }
            let none = FileDescriptor(rawValue: -1)
            #expect(throws: PipeError.failed(.inspect, .badFileDescriptor)) {
                try loop.run { try await loop.connectReadPipe(none) { RecordingProtocol() } }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aFactoryThatThrowsClosesThePipe(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pipe = try RawPipe()
            let end = pipe.lend(pipe.reading)
            #expect(throws: TestError(number: 1)) {
                try loop.run {
                    try await loop.connectReadPipe(end) { () throws -> RecordingProtocol in
                        throw TestError(number: 1)
                    }
                }
            }
            #expect(pipe.isUnread())
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aLoopThatClosesClosesItsPipes(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (reader, writer) = (RecordingProtocol(), RecordingProtocol())
            let (_, first) = try loop.connectReader(reader)
            let (writing, second) = try loop.connectWriter(writer)
            writing.write(patternBytes(1 << 20))
            try loop.settle(turns: 3)
            try loop.close()
            #expect(first.isUnread())
            #expect(second.readToEnd())
        }
    }

    // Pitfall 17
    @Test(arguments: LoopKind.allCases)
    func whatIsInUseIsRefusedAndGoesOn(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, pipe) = try loop.connectReader(recorder)
            let used = try #require(transport.extraInfo(.pipe))
            let watched = try RawPipe()
            try loop.addReader(watched.reading) {}
            for descriptor in [used, watched.reading] {
                for connects in [
                    { try await loop.connectReadPipe(descriptor) { RecordingProtocol() }.transport },
                    { try await loop.connectWritePipe(descriptor) { RecordingProtocol() }.transport },
                ] as [() async throws -> any BaseTransport] {
                    let error = #expect(throws: EventLoopError.self) { _ = try loop.run(connects) }
                    guard case .invalidState = error else {
                        Issue.record("\(String(describing: error))")
                        continue
                    }
                }
            }
            try loop.removeReader(watched.reading)
            pipe.write(Array("still here".utf8))
            try loop.turn { recorder.text == "still here" }
            transport.close()
            try loop.turnUntilClosed(transport)
        }
    }

    /// Read as a stream, a message loses what finds no room in the loop's buffer; written as one, it loses its bounds.
    @Test(arguments: LoopKind.allCases, [Int32(SOCK_DGRAM.rawValue), Int32(SOCK_SEQPACKET.rawValue)])
    func aSocketThatKeepsTheBoundsOfMessagesIsRefused(kind: LoopKind, type: Int32) async throws {
        try await kind.withLoop { loop in
            var pair: [Int32] = [-1, -1]
            try checkCall(socketpair(AF_UNIX, type | Int32(SOCK_CLOEXEC.rawValue), 0, &pair))
            let (first, second) = (FileDescriptor(rawValue: pair[0]), FileDescriptor(rawValue: pair[1]))
            #expect(throws: PipeError.notAPipe(.messageSocket)) {
                try loop.run { try await loop.connectReadPipe(first) { RecordingProtocol() } }
            }
            #expect(throws: PipeError.notAPipe(.messageSocket)) {
                try loop.run { try await loop.connectWritePipe(first) { RecordingProtocol() } }
            }
            #expect("\(PipeError.notAPipe(.messageSocket))".contains("createDatagramEndpoint"))
            // It stays the caller's.
            try first.close()
            try second.close()
        }
    }
}
