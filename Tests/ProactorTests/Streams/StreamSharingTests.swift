import Testing

@testable import Proactor

/// Tasks that read at the same time, or are cancelled.
@Suite struct StreamSharingTests {
    // Pitfall 68
    @Test(arguments: LoopKind.everywhere)
    func aSecondReaderIsRefusedAndTheFirstUnharmed(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let reader = try StreamReader()
            let first = loop.createTask { text(try await reader.readLine()) }
            try loop.settle(turns: 2)
            func expectRefusal() throws {
                let seconds: [() async throws -> Void] = [
                    { _ = try await reader.read(upTo: 1) },
                    { _ = try await reader.readLine() },
                    { _ = try await reader.readExactly(1) },
                    { _ = try await reader.readUntil(";") },
                    { _ = try await reader.readToEnd() },
                    { for try await _ in reader.chunks {} },
                ]
                for second in seconds {
                    do {
                        try loop.run(second)
                        Issue.record("a second reader was let in")
                    } catch EventLoopError.invalidState {}
                }
            }
            try expectRefusal()
            reader.feedData("not yet a line")
            try expectRefusal()
            reader.feedData(", but now\nand more")
            #expect(try loop.runUntilComplete(first) == "not yet a line, but now\n")
            #expect(text(try loop.run { try await reader.readExactly(8) }) == "and more")
        }
    }

    // Pitfall 68
    @Test(arguments: LoopKind.everywhere)
    func nobodyTakesWhatAWokenTaskIsAboutToRead(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let reader = try StreamReader()
            let first = loop.createTask { text(try await reader.readLine()) }
            try loop.settle(turns: 2)
            let second = loop.createTask { text(try await reader.readLine()) }
            // The second task is ready before the first is woken.
            reader.feedData("line\n")
            #expect(try loop.runUntilComplete(first) == "line\n")
            #expect(throws: EventLoopError.self) { try loop.runUntilComplete(second) }
        }
    }

    // Pitfall 68
    @Test(arguments: LoopKind.everywhere, [true, false])
    func aCancelledReadLosesNothing(kind: LoopKind, cancelComesFirst: Bool) async throws {
        try await kind.withLoop { loop in
            let reader = try StreamReader()
            reader.feedData("ab")
            let reads: [() async throws -> Int] = [
                { try await reader.readExactly(10).count },
                { try await reader.readLine().count },
                { try await reader.readUntil("\r\n").count },
                { try await reader.readToEnd().count },
            ]
            for read in reads {
                let task = loop.createTask(read)
                try loop.settle(turns: 2)
                if cancelComesFirst { task.cancel() }
                reader.feedData("cd")
                if !cancelComesFirst { task.cancel() }
                #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            }
            #expect(text(try loop.run { try await reader.read(upTo: 100) }) == "abcdcdcdcd")
        }
    }

    // Pitfall 68
    @Test(arguments: LoopKind.everywhere, [true, false])
    func dataAndACancelInOneTurn(kind: LoopKind, cancelComesFirst: Bool) async throws {
        try await kind.withLoop { loop in
            let reader = try StreamReader()
            let task = loop.createTask { text(try await reader.readLine()) }
            try loop.settle(turns: 2)
            if cancelComesFirst { task.cancel() }
            reader.feedData("whole line\n")
            if !cancelComesFirst { task.cancel() }
            // Whoever is told of the cancel has read nothing.
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(text(try loop.run { try await reader.readLine() }) == "whole line\n")
        }
    }

    // Pitfall 68
    @Test(arguments: LoopKind.allCases, [true, false])
    func aCancelJustBeforeOrAfterADelivery(kind: LoopKind, cancelComesFirst: Bool) async throws {
        try await kind.withLoop { loop in
            let streams = try loop.openStreams()
            for number in 0..<20 {
                let line = "line \(number)\n"
                let task = loop.createTask { text(try await streams.reader.readLine()) }
                try loop.settle(turns: 3)
                streams.peer.write(line)
                if cancelComesFirst {
                    task.cancel()
                    #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
                    // What is on its way to a cancelled task is the next one's.
                    #expect(text(try loop.run { try await streams.reader.readLine() }) == line)
                } else {
                    try loop.turn(until: { task.done })
                    task.cancel()
                    #expect(try task.result() == line)
                }
            }
            try loop.finish(streams)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aCancelledTaskReadsNothingThatIsThere(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let reader = try StreamReader()
            reader.feedData("line\n")
            let task = loop.createTask {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await reader.readLine()
            }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(text(try loop.run { try await reader.readLine() }) == "line\n")
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aReaderOfAClosedLoopSaysSo(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let other = try kind.makeLoop()
            let reader = try StreamReader()
            reader.feedData("line\n")
            let writer = try other.run { () async throws in
                let pair = try SocketPair(.unix)
                let (_, writer) = try await other.openConnection(socket: pair.first)
                _ = try await reader.readExactly(1)
                RawPeer(pair.second).close()
                return writer
            }
            try other.close()
            try loop.run { () async throws in
                await #expect(throws: EventLoopError.closed) { _ = try await reader.readLine() }
                await #expect(throws: EventLoopError.closed) { try await writer.drain() }
                await #expect(throws: EventLoopError.closed) { try await writer.waitClosed() }
                writer.write("ignored")
                writer.close()
                await #expect(throws: EventLoopError.closed) {
                    _ = try await other.openConnection(host: "127.0.0.1", port: 1)
                }
                await #expect(throws: EventLoopError.closed) {
                    _ = try await other.startServer(host: "127.0.0.1", port: 0) { _, _ in }
                }
            }
        }
    }
}
