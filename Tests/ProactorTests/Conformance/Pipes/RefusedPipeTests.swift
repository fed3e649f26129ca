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
}
