import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Openings that wait: no thread of the kernel's or an executor's is taken by them.
@Suite struct FileOpeningTests {
    private static func openNow(_ place: TemporaryFile, _ mode: FileDescriptor.AccessMode) throws
        -> FileDescriptor
    {
        try FileDescriptor.open(place.path, mode, options: [.nonBlocking, .closeOnExec])
    }

    @Test(arguments: LoopKind.allCases)
    func aFIFOIsOpenedForWritingWhenAReaderComes(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile.namedPipe()
            let opening = loop.createTask { try await File.open(place.path, .writeOnly, on: loop) }
            try loop.settle()
            #expect(!opening.done)
            let reader = try Self.openNow(place, .readOnly)
            try loop.rest { opening.done }
            let file = try opening.result()
            try loop.run {
                try await file.write("hello", at: 7)
                try await file.close()
            }
            var bytes = [UInt8](repeating: 0, count: 10)
            #expect(read(reader.rawValue, &bytes, 10) == 5)
            #expect(bytes[..<5] == Array("hello".utf8)[...])
            try reader.close()
        }
    }

    @Test(arguments: LoopKind.allCases, [false, true])
    func aFIFOIsOpenedForReadingWhenAWriterComes(kind: LoopKind, leavesAtOnce: Bool) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile.namedPipe()
            let opening = loop.createTask { try await File.open(place.path, .readOnly, on: loop) }
            try loop.rest { opening.done || place.hasReader }
            // `hasReader` has been a writer for a moment: that counts, as it does for open(2).
            try loop.rest { opening.done }
            let first = try opening.result()
            #expect(try loop.run { try await first.read(count: 5, at: 0) } == [])
            try loop.run { try await first.close() }

            let next = loop.createTask { try await File.open(place.path, .readOnly, on: loop) }
            try loop.settle()
            #expect(!next.done)
            // The open of the first reader may live on for a moment, in a child that another test starts: what is written to
            // that is lost. A writer that says nothing is one too.
            var silent: FileDescriptor?
            try loop.rest {
                guard !next.done, silent == nil, let end = try? Self.openNow(place, .writeOnly) else {
                    return next.done
                }
                if leavesAtOnce {
                    try end.closeAfter { _ = try end.writeAll("abc".utf8) }
                } else {
                    silent = end
                }
                return next.done
            }
            let file = try next.result()
            if let silent { try silent.closeAfter { _ = try silent.writeAll("abc".utf8) } }
            #expect(try loop.run { try await file.read(count: 3, at: 0) } == Array("abc".utf8))
            try loop.run { try await file.close() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aHundredWaitingOpeningsAndReadsHoldNothingUp(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let places = try (0..<100).map { _ in try TemporaryFile.namedPipe() }
            let place = try TemporaryFile(patternBytes(100_000))
            let openings = places.enumerated().map { index, fifo in
                loop.createTask {
                    try await File.open(fifo.path, index % 2 == 0 ? .readOnly : .writeOnly, on: loop)
                }
            }
            let readers = try (0..<40).map { _ in
                let fifo = try TemporaryFile.namedPipe()
                return File(
                    descriptor: try FileDescriptor.open(fifo.path, .readWrite, options: .closeOnExec),
                    on: loop
                )
            }
            let reads = readers.map { file in loop.createTask { try await file.read(count: 1, at: 0) } }
            try loop.settle()
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            let work = loop.createTask {
                try await File.withFile(place.path, .readWrite, on: loop) { (file) async throws in
                    #expect(try await file.read(count: 100_000, at: 0) == patternBytes(100_000))
                    try await file.write([1], at: 0)
                    try await file.synchronize()
                    #expect(try await file.status().size == 100_000)
                    #expect(try await loop.sockSendFile(pair.first, file) == 100_000)
                }
                _ = try await loop.getaddrinfo(host: "localhost", port: 80, type: .stream)
            }
            try loop.rest {
                peer.read()
                return work.done
            }
            try work.result()
            #expect(!openings.contains { $0.done } && !reads.contains { $0.done })
            for task in openings { task.cancel() }
            for task in reads { task.cancel() }
            try loop.rest { openings.allSatisfy(\.done) && reads.allSatisfy(\.done) }
            #expect(openings.allSatisfy(\.cancelled) && reads.allSatisfy(\.cancelled))
            try loop.run { for file in readers { try await file.close() } }
            for fifo in places { #expect(fifo.losesReader()) }
            try pair.first.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aLoopClosesUnderWaitingOpeningsAndReads(kind: LoopKind) async throws {
        try await kind.withLoop(abandonsTasks: true) { loop in
            let places = try (0..<100).map { _ in try TemporaryFile.namedPipe() }
            for place in places {
                _ = loop.createTask { try await File.open(place.path, .readOnly, on: loop) }
                let file = File(
                    descriptor: try FileDescriptor.open(place.path, .readWrite, options: .closeOnExec),
                    on: loop
                )
                _ = loop.createTask { try await file.read(count: 1, at: 0) }
                let other = try TemporaryFile.namedPipe()
                _ = loop.createTask { try await File.open(other.path, .writeOnly, on: loop) }
            }
            try loop.settle()
            let start = ContinuousClock.now
            try loop.close()
            #expect(ContinuousClock.now - start < TestLimit.wait)
            for place in places {
                #expect(place.losesReader())
                place.remove()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func nothingIsWaitedForWithTheOptionNotTo(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile.namedPipe()
            try loop.run {
                await #expect(throws: FileError(.open, .noSuchAddressOrDevice, path: place.path)) {
                    try await File.open(place.path, .writeOnly, options: .nonBlocking, on: loop)
                }
                let file = try await File.open(place.path, options: .nonBlocking, on: loop)
                try await file.close()
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatIsNoFIFOAndHasNothingBehindItFailsAtOnce(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let directory = try TestDirectory()
            let path = directory.path(of: "socket")
            let listener = try loop.backend.system.makeSocket(.unix, .stream)
            try loop.backend.system.bind(listener, to: .unix(path: path))
            try loop.run {
                await #expect(throws: FileError(.open, .noSuchAddressOrDevice, path: FilePath(path))) {
                    try await File.open(FilePath(path), .writeOnly, on: loop)
                }
            }
            try listener.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func onlyRegularFilesAreOpenedWhereAskedFor(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let fifo = try TemporaryFile.namedPipe()
            let existing = try TemporaryFile(patternBytes(10))
            let fresh = try TemporaryFile()
            try loop.run {
                for path in [fifo.path, "/tmp", "/dev/null", "/dev/ptmx"] as [FilePath] {
                    for mode in [FileDescriptor.AccessMode.readOnly, .writeOnly, .readWrite] {
                        await #expect(throws: FileError(.open, .notSupported, path: path)) {
                            try await File.open(path, mode, regularOnly: true, on: loop)
                        }
                    }
                }
                #expect(!fifo.hasReader)
                try await File.withFile(existing.path, regularOnly: true, on: loop) { (file) async throws in
                    #expect(try await file.read(count: 20, at: 0) == patternBytes(10))
                }
                let file = try await File.open(
                    fresh.path,
                    .writeOnly,
                    options: [.create, .exclusiveCreate],
                    regularOnly: true,
                    on: loop
                )
                try await file.write("x", at: 0)
                try await file.close()
                await #expect(throws: FileError(.open, .noSuchFileOrDirectory, path: "/tmp/there/is/none")) {
                    try await File.open("/tmp/there/is/none", regularOnly: true, on: loop)
                }
            }
            #expect(fresh.content == Array("x".utf8))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aLeaseOfAnotherIsWaitedFor(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let place = try TemporaryFile([1])
            // What the kernel says of a file that somebody has a lease on.
            backend.failures[.openFile] = [.resourceTemporarilyUnavailable, .resourceTemporarilyUnavailable]
            let file = try loop.run { try await File.open(place.path, on: loop) }
            #expect(try loop.run { try await file.read(count: 2, at: 0) } == [1])
            try loop.run { try await file.close() }
            backend.failures[.openFile] = [.resourceTemporarilyUnavailable]
            try loop.run {
                await #expect(throws: FileError(.open, .resourceTemporarilyUnavailable, path: place.path)) {
                    try await File.open(place.path, options: .nonBlocking, on: loop)
                }
            }
        }
    }
}
