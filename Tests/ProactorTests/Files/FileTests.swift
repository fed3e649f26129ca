import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct FileTests {
    @Test(arguments: LoopKind.allCases)
    func whatWasWrittenIsReadAgainInEveryForm(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile()
            let bytes = patternBytes(300_000)
            try loop.run {
                let file = try await File.open(place.path, .readWrite, options: [.create], on: loop)
                // Backwards, so that nothing lies where it would without the offsets.
                try await file.write(OwnedBuffer(Array(bytes[200_000...])), at: 200_000)
                try await file.write(bytes[100_000..<200_000].span.bytes, at: 100_000)
                try await file.write(Array(bytes[..<100_000]), at: 0)
                try await file.write("Grüße", at: 300_000)
                try await file.synchronize()
                try await file.synchronize(dataOnly: true)
                #expect(place.content == bytes + Array("Grüße".utf8))

                #expect(try await file.read(count: 300_000, at: 0) == bytes)
                #expect(try await file.read(count: 10, at: 300_000) == Array("Grüße".utf8))
                var buffer = OwnedBuffer(capacity: 1000)
                buffer.append([1, 2, 3])
                #expect(try await file.read(into: &buffer, at: 5000) == 997)
                let held = buffer.withBytes { $0.withUnsafeBytes { Array($0) } }
                #expect(held == [1, 2, 3] + bytes[5000..<5997])
                var array = [UInt8](repeating: 0, count: 700)
                #expect(try await Self.read(file, into: &array, at: 123) == 700)
                #expect(array == Array(bytes[123..<823]))
                #expect(file.position == 0)
                try await file.close()
            }
        }
    }

    private nonisolated(nonsending) static func read(
        _ file: File,
        into array: inout [UInt8],
        at offset: Int64
    ) async throws -> Int {
        var span = array.mutableSpan
        var bytes = span.mutableBytes
        return try await file.read(into: &bytes, at: offset)
    }

    @Test(arguments: LoopKind.allCases)
    func readingEndsWithTheFile(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile(patternBytes(10))
            try loop.run {
                try await File.withFile(place.path, on: loop) { (file) async throws in
                    #expect(try await file.read(count: 100, at: 4) == Array(patternBytes(10)[4...]))
                    #expect(try await file.read(count: 100, at: 10).isEmpty)
                    #expect(try await file.read(count: 0, at: 0).isEmpty)
                    var buffer = OwnedBuffer(capacity: 4)
                    #expect(try await file.read(into: &buffer, at: 1 << 40) == 0)
                    #expect(try await file.read(into: &buffer, at: 2) == 4)
                    #expect(try await file.read(into: &buffer, at: 2) == 0, "there is no room")
                }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func manyReadsAreUnderWayAtOnce(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let bytes = patternBytes(1 << 20)
            let place = try TemporaryFile(bytes)
            try loop.run {
                try await File.withFile(place.path, on: loop) { (file) async throws in
                    let tasks = (0..<64).map { number in
                        loop.createTask { try await file.read(count: 4096, at: Int64(number * 16_000)) }
                    }
                    for (number, task) in tasks.enumerated() {
                        let start = number * 16_000
                        #expect(try await task.value() == Array(bytes[start..<start + 4096]))
                    }
                }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func openingFailsWithReasonAndPath(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile([1])
            let missing = FilePath("/tmp/proactor-there-is-no-such-file")
            try loop.run {
                await #expect(throws: FileError(.open, .noSuchFileOrDirectory, path: missing)) {
                    try await File.open(missing, on: loop)
                }
                await #expect(throws: FileError(.open, .isDirectory, path: "/tmp")) {
                    try await File.open("/tmp", .writeOnly, on: loop)
                }
                await #expect(throws: FileError(.open, .fileExists, path: place.path)) {
                    try await File.open(
                        place.path,
                        .writeOnly,
                        options: [.create, .exclusiveCreate],
                        on: loop
                    )
                }
            }
            #expect(
                FileError(.open, .noSuchFileOrDirectory, path: missing).description.contains(missing.string)
            )
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theStatusIsThatOfTheFile(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile()
            try loop.run {
                let file = try await File.open(
                    place.path,
                    .writeOnly,
                    options: [.create],
                    permissions: [.ownerReadWrite],
                    on: loop
                )
                try await file.write(patternBytes(5000), at: 0)
                let status = try await file.status()
                var expected = stat()
                #expect(stat(place.path.string, &expected) == 0)
                #expect(status.kind == .regular)
                #expect(status.size == 5000)
                #expect(status.permissions == .ownerReadWrite)
                #expect(status.linkCount == 1)
                #expect(status.userID == expected.st_uid && status.groupID == expected.st_gid)
                #expect(status.inode == expected.st_ino && status.device == expected.st_dev)
                #expect(status.preferredBlockSize == Int(expected.st_blksize))
                let changed = expected.st_mtim
                #expect(
                    status.modifiedAt == .seconds(changed.tv_sec) + .nanoseconds(changed.tv_nsec)
                )
                #expect(status.statusChangedAt >= status.modifiedAt)
                try await file.close()
                try await File.withFile("/tmp", on: loop) { (directory) async throws in
                    #expect(try await directory.status().kind == .directory)
                }
                try await File.withFile("/dev/null", on: loop) { (device) async throws in
                    #expect(try await device.status().kind == .characterDevice)
                }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func directReadsAndWritesTakeAlignedMemory(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let bytes = patternBytes(16_384)
            let place = try TemporaryFile(bytes)
            try loop.run {
                let file: File
                do {
                    file = try await File.open(place.path, .readWrite, direct: true, on: loop)
                } catch let error as FileError {
                    // A file system that knows no direct I/O says so.
                    #expect(error.errno == .invalidArgument)
                    return
                }
                var buffer = OwnedBuffer(capacity: 4096, alignment: 4096)
                #expect(try await file.read(into: &buffer, at: 8192) == 4096)
                #expect(buffer.withBytes { $0.withUnsafeBytes { Array($0) } } == Array(bytes[8192..<12_288]))
                try await file.write(buffer, at: 0)
                #expect(Array(place.content[..<4096]) == Array(bytes[8192..<12_288]))
                try await file.close()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aDescriptorFromElsewhereServesToo(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile(patternBytes(100))
            let descriptor = try FileDescriptor.open(place.path, .readOnly, options: .closeOnExec)
            try loop.run {
                let file = File(descriptor: descriptor, on: loop)
                #expect(try await file.read(count: 200, at: 0) == patternBytes(100))
                await #expect(throws: FileError(.write, .badFileDescriptor, path: nil)) {
                    try await file.write([1], at: 0)
                }
                try await file.close()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func noChildInheritsAFile(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile([])
            try loop.run {
                let file = try await File.open(place.path, on: loop)
                let descriptor = try file.beginOperation(.read)
                #expect(fcntl(descriptor.rawValue, F_GETFD) & FD_CLOEXEC != 0)
                file.endOperation()
                try await file.close()
            }
        }
    }

    // Pitfall 34
    @Test(arguments: LoopKind.allCases)
    func moreThanACallTakesIsWrittenInSeveral(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let (callMax, rest) = (0x7fff_f000, 12_345)
            var parts: [(count: Int, offset: Int64)] = []
            backend.onSubmit = { operation in
                guard case .writeFile(_, let bytes, let offset) = operation else { return }
                parts.append((bytes.count, offset))
            }
            try loop.run {
                // Nobody looks at the memory, which takes none therefore.
                var buffer = OwnedBuffer(capacity: callMax + rest)
                buffer.didFill(callMax + rest)
                let file = try await File.open("/dev/null", .writeOnly, on: loop)
                try await file.write(buffer, at: 5)
                try await file.close()
            }
            #expect(parts.map(\.count) == [callMax + rest, rest])
            #expect(parts.map(\.offset) == [5, 5 + Int64(callMax)])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatHasNoPositionsIsWrittenAllTheSame(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pipe = try RawPipe()
            let path = FilePath("/proc/self/fd/\(pipe.writing.rawValue)")
            try loop.run {
                let file = try await File.open(path, .writeOnly, on: loop)
                try await file.write("through a pipe", at: 100)
                try await file.close()
            }
            pipe.close(pipe.writing)
            #expect(pipe.readToEnd())
            #expect(pipe.received == Array("through a pipe".utf8))
        }
    }

    @Test(arguments: LoopKind.allCases, [false, true])
    func whatGoesWrongAtTheCloseIsThrown(kind: LoopKind, byScope: Bool) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let place = try TemporaryFile([1])
            var left: FileDescriptor?
            backend.onSubmit = { operation in
                if case .closeFile(let descriptor) = operation { left = descriptor }
            }
            try loop.run {
                await #expect(throws: FileError(.close, .ioError, path: place.path)) {
                    guard byScope else {
                        let file = try await File.open(place.path, on: loop)
                        backend.failures[.closeFile] = [.ioError]
                        return try await file.close()
                    }
                    try await File.withFile(place.path, on: loop) { (_) async throws in
                        backend.failures[.closeFile] = [.ioError]
                    }
                }
            }
            backend.onSubmit = nil
            // The close was not made here.
            try #require(left).close()
        }
    }
}
