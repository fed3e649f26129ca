import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Files that are closed, forgotten, cancelled, or fail.
@Suite struct FileLifeTests {
    /// A named pipe that is open at both ends, so that a read waits, and what feeds it.
    private nonisolated(nonsending) static func openPipe(
        _ place: TemporaryFile,
        on loop: BaseEventLoop
    ) async throws -> File {
        try await File.open(place.path, .readWrite, on: loop)
    }

    private static func feed(_ place: TemporaryFile, _ bytes: [UInt8]) throws {
        let end = try FileDescriptor.open(place.path, .writeOnly, options: [.nonBlocking, .closeOnExec])
        try end.closeAfter { _ = try end.writeAll(bytes) }
    }

    @Test(arguments: LoopKind.allCases)
    func aClosedFileIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile([1])
            try loop.run {
                let file = try await File.open(place.path, .readWrite, on: loop)
                #expect(!file.isClosed)
                try await file.close()
                try await file.close()
                #expect(file.isClosed)
                await #expect(throws: FileError(.read, .badFileDescriptor, path: place.path)) {
                    try await file.read(count: 1, at: 0)
                }
                await #expect(throws: FileError(.write, .badFileDescriptor, path: place.path)) {
                    try await file.write("x", at: 0)
                }
                await #expect(throws: FileError(.synchronize, .badFileDescriptor, path: place.path)) {
                    try await file.synchronize()
                }
                await #expect(throws: FileError(.status, .badFileDescriptor, path: place.path)) {
                    try await file.status()
                }
            }
        }
    }

    // Pitfall 16
    // Pitfall 17
    @Test(arguments: LoopKind.allCases)
    func closingWaitsForTheOperationsInFlight(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile.namedPipe()
            let file = try loop.run { try await Self.openPipe(place, on: loop) }
            let reading = loop.createTask { try await file.read(count: 3, at: 0) }
            try loop.settle(turns: 3)
            let closing = loop.createTask { try await file.close() }
            try loop.settle()
            #expect(!reading.done && !closing.done && file.isClosed)
            try Self.feed(place, [1, 2, 3])
            try loop.rest { reading.done && closing.done }
            #expect(try reading.result() == [1, 2, 3])
            try closing.result()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelledTaskClosesItsFile(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile.namedPipe()
            let descriptor = try FileDescriptor.open(
                place.path,
                .readOnly,
                options: [.nonBlocking, .closeOnExec]
            )
            let file = File(descriptor: descriptor, on: loop)
            #expect(place.hasReader)
            try loop.run {
                withUnsafeCurrentTask { $0?.cancel() }
                #expect(Task.isCancelled)
                try await file.close()
            }
            #expect(place.losesReader())
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aScopeThatThrowsClosesItsFile(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile([1])
            var kept: File?
            #expect(throws: TestError(number: 1)) {
                try loop.run {
                    try await File.withFile(place.path, on: loop) { (file) async throws in
                        kept = file
                        throw TestError(number: 1)
                    }
                }
            }
            #expect(kept?.isClosed == true)
        }
    }

    // Pitfall 24
    @Test(arguments: LoopKind.allCases)
    func cancellingEndsARead(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile.namedPipe()
            let file = try loop.run { try await Self.openPipe(place, on: loop) }
            // On a selector, a call that a thread has begun cannot be ended: this executor begins none.
            let executor = HoldingExecutor()
            try loop.setDefaultExecutor(executor)
            let reading = loop.createTask { try await file.read(count: 3, at: 0) }
            try loop.settle(turns: 3)
            reading.cancel()
            try loop.rest { reading.done }
            #expect(reading.cancelled)
            executor.runAll()
            // Nothing reads any more, so what comes stays there for the next one.
            try Self.feed(place, [4, 5, 6])
            let next = loop.createTask { try await file.read(count: 3, at: 0) }
            try loop.rest {
                executor.runAll()
                return next.done
            }
            #expect(try next.result() == [4, 5, 6])
            try loop.run { try await file.close() }
        }
    }

    // Pitfall 44
    @Test(arguments: LoopKind.allCases)
    func aReadWaitsAlsoForADescriptorThatDoesNotBlock(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile.namedPipe()
            let descriptor = try FileDescriptor.open(
                place.path,
                .readWrite,
                options: [.nonBlocking, .closeOnExec]
            )
            let file = File(descriptor: descriptor, on: loop)
            let reading = loop.createTask { try await file.read(count: 3, at: 0) }
            try loop.settle()
            #expect(!reading.done)
            try Self.feed(place, [1, 2, 3])
            try loop.rest { reading.done }
            #expect(try reading.result() == [1, 2, 3])
            try loop.run { try await file.close() }
        }
    }

    // Pitfall 21
    // Pitfall 24
    @Test(arguments: LoopKind.allCases)
    func theCallReturnsWhenTheMemoryIsFreeAndNotBefore(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let place = try TemporaryFile.namedPipe()
            let file = try loop.run { try await Self.openPipe(place, on: loop) }
            backend.losesCancels = true
            let reading = loop.createTask { () -> (Int, [UInt8]) in
                var buffer = OwnedBuffer(capacity: 8)
                let count = try await file.read(into: &buffer, at: 0)
                return (count, buffer.withBytes { $0.withUnsafeBytes { Array($0) } })
            }
            try loop.settle(turns: 3)
            reading.cancel()
            try loop.settle()
            #expect(!reading.done)
            try Self.feed(place, [7, 8, 9])
            try loop.rest { reading.done }
            // Cancelled too late: what it read counts.
            let (count, bytes) = try reading.result()
            #expect(count == 3 && bytes == [7, 8, 9])
            backend.losesCancels = false
            try loop.run { try await file.close() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aForgottenFileIsClosedWithAWarning(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            loop.debug = true
            let place = try TemporaryFile.namedPipe()
            let descriptor = try FileDescriptor.open(
                place.path,
                .readOnly,
                options: [.nonBlocking, .closeOnExec]
            )
            let lines = LogCapture.lines {
                do { _ = File(descriptor: descriptor, path: place.path, on: loop) }
            }
            #expect(lines.contains { $0.contains("never closed") && $0.contains(place.path.string) })
            #expect(place.losesReader())
            loop.debug = false
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aLoopThatClosesClosesTheFilesInUse(kind: LoopKind) async throws {
        try await kind.withLoop(abandonsTasks: true) { loop in
            let place = try TemporaryFile.namedPipe()
            let descriptor = try FileDescriptor.open(place.path, .readWrite, options: .closeOnExec)
            try loop.setDefaultExecutor(HoldingExecutor())
            let file = File(descriptor: descriptor, on: loop)
            _ = loop.createTask { try await file.read(count: 3, at: 0) }
            try loop.settle(turns: 3)
            #expect(place.hasReader)
            try loop.close()
            #expect(place.losesReader())
        }
    }

    // MARK: - Faults

    // Pitfall 34
    @Test(arguments: LoopKind.allCases, [1, 999])
    func shortReadsAndWritesGoOnFromTheByteCount(kind: LoopKind, limit: Int) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.fileLimit = limit
            let place = try TemporaryFile()
            let bytes = patternBytes(limit * 40 + 1)
            try loop.run {
                let file = try await File.open(place.path, .readWrite, options: [.create], on: loop)
                try await file.write(bytes, at: 5)
                #expect(try await file.read(count: bytes.count + 1, at: 5) == bytes)
                // Not a byte more than was asked for.
                let most = Array(bytes.dropLast(2))
                #expect(try await file.read(count: most.count, at: 5) == most)
                try await file.close()
            }
            #expect(Array(place.content.dropFirst(5)) == bytes)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aWriteThatWritesNothingIsAnError(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.fileLimit = 0
            let place = try TemporaryFile([1])
            try loop.run {
                let file = try await File.open(place.path, .readWrite, on: loop)
                await #expect(throws: FileError(.write, .ioError, path: place.path)) {
                    try await file.write([2], at: 0)
                }
                try await file.close()
            }
            #expect(place.content == [1])
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatIsPutOnTheDiskIsWhatWasAskedFor(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            var dataOnly: [Bool] = []
            backend.onSubmit = { if case .synchronizeFile(_, let flag) = $0 { dataOnly.append(flag) } }
            let place = try TemporaryFile([1])
            try loop.run {
                let file = try await File.open(place.path, .readWrite, on: loop)
                try await file.synchronize()
                try await file.synchronize(dataOnly: true)
                try await file.close()
            }
            #expect(dataOnly == [false, true])
            backend.onSubmit = nil
        }
    }

    @Test(arguments: LoopKind.allCases)
    func everyOperationTellsTheSystemsReason(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let place = try TemporaryFile(patternBytes(100))
            backend.failures[.openFile] = [.tooManyOpenFiles]
            try loop.run {
                await #expect(throws: FileError(.open, .tooManyOpenFiles, path: place.path)) {
                    try await File.open(place.path, on: loop)
                }
                let file = try await File.open(place.path, .readWrite, on: loop)
                backend.failures = [
                    .readFile: [.ioError], .synchronizeFile: [.ioError], .fileStatus: [.ioError],
                ]
                await #expect(throws: FileError(.read, .ioError, path: place.path)) {
                    try await file.read(count: 1, at: 0)
                }
                await #expect(throws: FileError(.synchronize, .ioError, path: place.path)) {
                    try await file.synchronize()
                }
                await #expect(throws: FileError(.status, .ioError, path: place.path)) {
                    try await file.status()
                }
                backend.failures[.writeFile] = [.noSpace]
                await #expect(throws: FileError(.write, .noSpace, path: place.path)) {
                    try await file.write([1], at: 0)
                }
                // The failures are used up, and the file works as before.
                #expect(try await file.read(count: 100, at: 0) == patternBytes(100))
                try await file.close()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aDiskThatFillsUpTellsHowMuchWasWritten(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.run {
                let full = try await File.open("/dev/full", .writeOnly, on: loop)
                await #expect(throws: FileError(.write, .noSpace, path: "/dev/full")) {
                    try await full.write([1, 2, 3], at: 0)
                }
                try await full.close()
            }
        }
        try await kind.withFaultyLoop { loop, backend in
            let place = try TemporaryFile()
            try loop.run {
                let file = try await File.open(place.path, .writeOnly, options: [.create], on: loop)
                backend.fileLimit = 10
                let task = loop.createTask { try await file.write(patternBytes(25), at: 0) }
                backend.onSubmit = { operation in
                    // After the second piece.
                    guard case .writeFile(_, _, let offset) = operation, offset == 20 else { return }
                    backend.failures[.writeFile] = [.noSpace]
                }
                await #expect(throws: FileError(.write, .noSpace, path: place.path, bytesDone: 20)) {
                    try await task.value()
                }
                backend.onSubmit = nil
                try await file.close()
            }
            #expect(place.content == patternBytes(20))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func withoutItsExecutorASelectorSaysSo(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile([1])
            try loop.run {
                try await loop.shutdownDefaultExecutor()
                switch kind {
                case .ring, .ringOlderPaths, .simulatedRing:
                    // The kernel needs no help.
                    try await File.withFile(place.path, on: loop) { (file) async throws in
                        #expect(try await file.read(count: 1, at: 0) == [1])
                    }
                case .epoll, .poll, .select, .simulatedSelector:
                    await #expect(throws: FileError(.open, .socketShutdown, path: place.path)) {
                        try await File.open(place.path, on: loop)
                    }
                }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aClosedLoopRefusesFiles(kind: LoopKind) async throws {
        try await kind.withLoop(abandonsTasks: true) { loop in
            let place = try TemporaryFile([1])
            let file = try loop.run { try await File.open(place.path, on: loop) }
            try loop.close()
            #expect(throws: EventLoopError.closed) { try file.beginOperation(.read) }
        }
    }

    // Pitfall 21
    @Test(arguments: LoopKind.allCases)
    func whatIsOpenedAlthoughTheTaskIsCancelledIsClosed(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let place = try TemporaryFile.namedPipe()
            var task: LoopTask<File>?
            backend.losesCancels = true
            backend.onSubmit = { operation in
                if case .openFile = operation { task?.cancel() }
            }
            let opening = loop.createTask {
                try await File.open(place.path, options: .nonBlocking, on: loop)
            }
            task = opening
            #expect(throws: CancellationError.self) { _ = try loop.runUntilComplete(opening) }
            #expect(place.losesReader())
            backend.onSubmit = nil
        }
    }
}
