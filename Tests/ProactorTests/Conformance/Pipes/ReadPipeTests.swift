import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct ReadPipeTests {
    @Test(arguments: LoopKind.allCases)
    func everythingComesInOrderAndThenTheEnd(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            // What it answers does not matter: there is no other direction to keep open.
            recorder.onEOF = { _ in true }
            let (transport, pipe) = try loop.connectReader(recorder)
            #expect(recorder.events == [.made])
            #expect(transport.isReading && !transport.isClosing)
            #expect(transport.extraInfo(.pipe) == pipe.reading)
            #expect(transport.extraInfo(.socket) == nil && transport.extraInfo(.peerName) == nil)
            let bytes = patternBytes(1 << 20)
            var sent = 0
            try loop.turn {
                sent += pipe.write(bytes[sent...])
                return recorder.received.count == bytes.count
            }
            #expect(recorder.received == bytes)
            #expect(recorder.eofCount == 0)
            pipe.close(pipe.writing)
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.events.suffix(2) == [.eof, .lost])
            #expect(recorder.lostError == nil)
            #expect(transport.isClosing && !transport.isReading)
            try loop.turnUntilClosed(transport)
        }
    }

    // Pitfall 33
    @Test(arguments: LoopKind.allCases)
    func aPauseHoldsDataAndTheEndBack(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            recorder.onMade = { $0.pauseReading() }
            let (transport, pipe) = try loop.connectReader(recorder)
            pipe.write(patternBytes(5000))
            try loop.settle()
            #expect(recorder.events == [.made])
            transport.resumeReading()
            try loop.turn { recorder.received.count == 5000 }
            transport.pauseReading()
            pipe.write(patternBytes(300, seed: 1))
            pipe.close(pipe.writing)
            try loop.settle()
            #expect(recorder.received.count == 5000 && recorder.eofCount == 0)
            transport.resumeReading()
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.received == patternBytes(5000) + patternBytes(300, seed: 1))
            #expect(recorder.eofCount == 1)
            try loop.turnUntilClosed(transport)
        }
    }

    // Pitfall 21
    @Test(arguments: LoopKind.allCases)
    func whatAPauseComesTooLateForIsKept(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let recorder = RecordingProtocol()
            let (transport, pipe) = try loop.connectReader(recorder)
            pipe.write("first".utf8)
            try loop.turn { recorder.text == "first" }
            backend.losesCancels = true
            transport.pauseReading()
            try loop.turn()
            pipe.write("second".utf8)
            try loop.settle()
            #expect(recorder.text == "first")
            backend.losesCancels = false
            transport.resumeReading()
            try loop.turn { recorder.text == "firstsecond" }
            transport.close()
            try loop.turn { recorder.lostCount == 1 }
            pipe.close(pipe.writing)
            try loop.turnUntilClosed(transport)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aBufferedProtocolWaitsForTheWriterOnce(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            var waits = 0
            backend.onSubmit = { if $0.kind == .waitUntilReadable { waits += 1 } }
            let recorder = RecordingBufferedProtocol()
            let (transport, pipe) = try loop.connectReader(recorder)
            try loop.settle(turns: 3)
            transport.pauseReading()
            try loop.settle(turns: 3)
            transport.resumeReading()
            try loop.settle(turns: 3)
            #expect(waits == 1)
            pipe.write("into its buffer".utf8)
            try loop.turn { recorder.text == "into its buffer" }
            backend.onSubmit = nil
            transport.close()
            try loop.turnUntilClosed(transport)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aWaitForAWriterThatFailsIsTheReasonOfTheLoss(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            backend.failures[.waitUntilReadable] = [.noMemory]
            let recorder = RecordingProtocol()
            let (transport, pipe) = try loop.connectReader(recorder)
            pipe.close(pipe.writing)
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.events == [.made, .lost])
            #expect(recorder.lostError as? PipeError == .failed(.read, .noMemory))
            try loop.turnUntilClosed(transport)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aFIFOWaitsForItsFirstWriter(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let directory = try TestDirectory()
            let path = directory.path(of: "fifo")
            try SocketPair.check(mkfifo(path, 0o600))
            let reading = try FileDescriptor.open(path, .readOnly, options: [.nonBlocking, .closeOnExec])
            let recorder = RecordingProtocol()
            let transport = try loop.run { try await loop.connectReadPipe(reading) { recorder }.transport }
            try loop.settle()
            #expect(recorder.events == [.made])
            let writing = try FileDescriptor.open(path, .writeOnly, options: .closeOnExec)
            try loop.settle()
            #expect(recorder.events == [.made])
            _ = try writing.writeAll("hello".utf8)
            try loop.turn { recorder.text == "hello" }
            try writing.close()
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.eofCount == 1 && recorder.lostError == nil)
            try loop.turnUntilClosed(transport)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTransportThatWaitsForAWriterCloses(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingBufferedProtocol()
            let (transport, pipe) = try loop.connectReader(recorder)
            try loop.settle(turns: 3)
            transport.pauseReading()
            try loop.settle(turns: 3)
            transport.resumeReading()
            try loop.settle(turns: 3)
            transport.close()
            try loop.turn { recorder.lostErrors.count == 1 }
            #expect(recorder.lostErrors.first.flatMap { $0 } == nil)
            #expect(recorder.eofCount == 0)
            try loop.turnUntilClosed(transport)
            try loop.turn()
            #expect(pipe.isUnread())
        }
    }

    // Behaviour 34
    @Test(arguments: LoopKind.allCases)
    func aBufferedProtocolReadsIntoItsOwnBuffers(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingBufferedProtocol(capacity: 1000)
            let (transport, pipe) = try loop.connectReader(recorder)
            let bytes = patternBytes(50_000)
            pipe.write(bytes)
            try loop.turn { recorder.received.count == bytes.count }
            #expect(recorder.received == bytes)
            #expect(recorder.pieces.allSatisfy { $0 <= 1000 })
            // Handing over to the other kind of protocol ends one kind of read and starts the other.
            let next = RecordingProtocol()
            transport.setProtocol(next)
            try loop.settle(turns: 3)
            pipe.write("for the next".utf8)
            try loop.turn { next.text == "for the next" }
            pipe.close(pipe.writing)
            try loop.turn { next.lostCount == 1 }
            try loop.turnUntilClosed(transport)
        }
    }

    // Behaviour 33
    @Test(arguments: LoopKind.allCases)
    func anErrorInDataReceivedClosesIt(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var reported: [ExceptionContext] = []
            loop.setExceptionHandler { _, context in reported.append(context) }
            let recorder = RecordingProtocol()
            recorder.onData = { _, _ in throw TestError(number: 5) }
            let (transport, pipe) = try loop.connectReader(recorder)
            pipe.write("data".utf8)
            try loop.turn { recorder.lostCount == 1 }
            #expect(recorder.lostError as? TestError == TestError(number: 5))
            #expect(reported.count == 1 && reported.first?.transport === transport)
            loop.setExceptionHandler(nil)
            try loop.turnUntilClosed(transport)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aReadingEndTakesNoWrites(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var errors: [any Error] = []
            loop.setExceptionHandler { _, context in errors += [context.error].compactMap { $0 } }
            let recorder = RecordingProtocol()
            let (transport, pipe) = try loop.connectReader(recorder)
            let other = try #require(recorder.transport)
            #expect(!other.canWriteEOF)
            other.write("lost")
            other.writeEOF()
            #expect(errors.count == 1)
            guard case EventLoopError.invalidState? = errors.first as? EventLoopError else {
                Issue.record("a write to a reading end is an invalid state: \(errors)")
                return
            }
            #expect(other.writeBufferSize == 0 && !transport.isClosing)
            pipe.write("still heard".utf8)
            try loop.turn { recorder.text == "still heard" }
            loop.setExceptionHandler(nil)
            transport.close()
            try loop.turnUntilClosed(transport)
        }
    }

    /// A terminal is read line by line; its other end's closing is an error (EIO), as the kernel has it.
    @Test(arguments: LoopKind.allCases)
    func aTerminalIsReadAndWritten(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let terminal = try TestTerminal()
            let reader = RecordingProtocol()
            let writer = RecordingProtocol()
            let reading = try loop.run {
                try await loop.connectReadPipe(terminal.takeSide()) { reader }.transport
            }
            let writing = try loop.run {
                try await loop.connectWritePipe(terminal.takeSide()) { writer }.transport
            }
            terminal.write("a line\n")
            try loop.turn { reader.text == "a line\n" }
            writing.write("an answer")
            try loop.turn {
                terminal.read()
                return terminal.received.hasSuffix("an answer")
            }
            terminal.close()
            try loop.turn { reader.lostCount == 1 }
            // Where input that nobody reads has hidden the end, a write tells.
            writing.write("x")
            try loop.turn { writer.lostCount == 1 }
            try loop.turnUntilClosed(reading)
            try loop.turnUntilClosed(writing)
        }
    }
}
