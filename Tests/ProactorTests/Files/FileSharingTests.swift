import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Files that share a descriptor, and files that are none.
@Suite struct FileSharingTests {
    // Pitfall 17
    @Test(arguments: LoopKind.allCases)
    func filesOfOneDescriptorTakeTurnsAndTheLastClosesIt(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pipe = try RawPipe()
            let descriptor = pipe.lend(pipe.reading)
            let first = File(descriptor: descriptor, on: loop)
            let second = File(descriptor: descriptor, on: loop)
            let reads = [first, second, first].map { file in
                loop.createTask { try await file.read(count: 1, at: 0) }
            }
            try loop.settle()
            #expect(!reads.contains { $0.done })
            pipe.write([1, 2, 3])
            try loop.rest { reads.allSatisfy(\.done) }
            #expect(try reads.flatMap { try $0.result() } == [1, 2, 3])
            try loop.run {
                try await first.close()
                #expect(first.isClosed && !second.isClosed)
            }
            pipe.write([4])
            #expect(try loop.run { try await second.read(count: 1, at: 0) } == [4])
            try loop.run { try await second.close() }
            #expect(pipe.isUnread())
        }
    }

    @Test(arguments: LoopKind.allCases)
    func filesOfOneDescriptorReadAFileAtOnce(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile(patternBytes(1000))
            let descriptor = try FileDescriptor.open(place.path, .readOnly, options: .closeOnExec)
            let files = (0..<3).map { _ in File(descriptor: descriptor, on: loop) }
            let reads = files.map { file in loop.createTask { try await file.read(count: 1000, at: 0) } }
            try loop.rest { reads.allSatisfy(\.done) }
            for read in reads { #expect(try read.result() == patternBytes(1000)) }
            try loop.run { for file in files { try await file.close() } }
            // Another test may have the number by now.
            let link = "/proc/self/fd/\(descriptor.rawValue)"
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: link)
            #expect(target != place.path.string)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aFileThatIsLetGoOfLeavesTheOtherItsDescriptor(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pipe = try RawPipe()
            let descriptor = pipe.lend(pipe.reading)
            let kept = File(descriptor: descriptor, on: loop)
            do { _ = File(descriptor: descriptor, on: loop) }
            pipe.write([7])
            #expect(try loop.run { try await kept.read(count: 1, at: 0) } == [7])
            try loop.run { try await kept.close() }
            #expect(pipe.isUnread())
        }
    }

    @Test(arguments: LoopKind.allCases, [false, true])
    func aTransportTakesTheDescriptorFromItsFiles(kind: LoopKind, fileFirst: Bool) async throws {
        try await kind.withLoop { loop in
            let pipe = try RawPipe()
            let descriptor = pipe.lend(pipe.reading)
            var file: File?
            if fileFirst { file = File(descriptor: descriptor, on: loop) }
            let recorder = RecordingProtocol()
            let transport = try loop.run { try await loop.connectReadPipe(descriptor) { recorder }.transport }
            let given = file ?? File(descriptor: descriptor, on: loop)
            try loop.run {
                await #expect(throws: FileError(.read, .badFileDescriptor, path: nil)) {
                    try await given.read(count: 1, at: 0)
                }
                try await given.close()
            }
            pipe.write(Array("on".utf8))
            try loop.turn { recorder.text == "on" }
            transport.close()
            try loop.turnUntilClosed(transport)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aReaderKeepsAFileFromReading(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pipe = try RawPipe()
            let descriptor = pipe.lend(pipe.reading)
            let file = File(descriptor: descriptor, on: loop)
            try loop.addReader(descriptor) {}
            try loop.run {
                await #expect(throws: EventLoopError.self) { try await file.read(count: 1, at: 0) }
                try await file.close()
            }
            #expect(try !loop.removeReader(descriptor))
            #expect(pipe.isUnread())
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTerminalIsReadAndWrittenAsAFile(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let terminal = try TestTerminal()
            let file = File(descriptor: try terminal.takeSide(), on: loop)
            let cancelled = loop.createTask { try await file.read(count: 3, at: 0) }
            try loop.settle()
            cancelled.cancel()
            try loop.rest { cancelled.done }
            #expect(cancelled.cancelled)
            let reading = loop.createTask { try await file.read(count: 3, at: 0) }
            try loop.settle()
            terminal.write("hi\n")
            try loop.rest { reading.done }
            #expect(try reading.result() == Array("hi\n".utf8))
            let text = String(repeating: "0123456789", count: 100)
            let writing = loop.createTask { try await file.write(text, at: 0) }
            try loop.rest {
                terminal.read()
                return writing.done && terminal.received.hasSuffix(text)
            }
            try writing.result()
            try loop.run { try await file.close() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatHasToBeWaitedForIsSentByReading(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pipe = try RawPipe()
            let file = File(descriptor: pipe.lend(pipe.reading), on: loop)
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            let sending = loop.createTask { try await loop.sockSendFile(pair.first, file, count: 6) }
            pipe.write(Array("abc".utf8))
            try loop.rest {
                peer.read()
                return peer.received.count == 3
            }
            pipe.write(Array("def".utf8))
            try loop.rest {
                peer.read()
                return sending.done
            }
            #expect(try sending.result() == 6)
            peer.read()
            #expect(peer.received == Array("abcdef".utf8))
            try loop.run {
                await #expect(throws: SendFileError.notAvailable(.illegalSeek)) {
                    try await loop.sockSendFile(pair.first, file, offset: 0, count: 1, fallback: false)
                }
                try await file.close()
            }
            try pair.first.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func filesOfTheKernelAreRead(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.run {
                for path in [
                    "/proc/self/status", "/proc/mounts", "/sys/kernel/notes", "/proc/sys/kernel/hostname",
                ] {
                    guard access(path, R_OK) == 0 else { continue }
                    try await File.withFile(FilePath(path), on: loop) { (file) async throws in
                        #expect(try await !file.read(count: 100, at: 0).isEmpty)
                    }
                }
                try await File.withFile("/dev/random", on: loop) { (file) async throws in
                    #expect(try await file.read(count: 16, at: 0).count == 16)
                }
            }
        }
    }
}
