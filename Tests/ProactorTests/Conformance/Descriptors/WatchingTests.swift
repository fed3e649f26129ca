import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct WatchingTests {
    @Test(arguments: LoopKind.allCases, WatchedDescriptor.Kind.allCases)
    func aReaderIsCalledWhileThereIsSomethingToRead(
        kind: LoopKind,
        descriptorKind: WatchedDescriptor.Kind
    ) async throws {
        try await kind.withLoop { loop in
            let watched = try WatchedDescriptor(descriptorKind)
            var calls = 0
            var drains = false
            try loop.addReader(watched.reading) {
                calls += 1
                // Never told of nothing.
                if drains { #expect(watched.drain()) }
            }
            try loop.settle()
            #expect(calls == 0)
            try watched.feed()
            // Level-triggered: what is left there is told again, once a turn.
            try loop.turn(until: { calls == 3 })
            drains = true
            try loop.turn(until: { calls == 4 })
            try loop.settle()
            #expect(calls == 4)
            try watched.feed()
            try loop.turn(until: { calls == 5 })
            #expect(try loop.removeReader(watched.reading))
            #expect(try !loop.removeReader(watched.reading))
            try watched.feed()
            try loop.settle()
            #expect(calls == 5)
            try watched.close()
        }
    }

    @Test(arguments: LoopKind.allCases, WatchedDescriptor.Kind.allCases)
    func aWriterIsCalledWhileThereIsRoom(
        kind: LoopKind,
        descriptorKind: WatchedDescriptor.Kind
    ) async throws {
        try await kind.withLoop { loop in
            let watched = try WatchedDescriptor(descriptorKind)
            var calls = 0
            try loop.addWriter(watched.writing) { calls += 1 }
            try loop.turn(until: { calls == 3 })
            #expect(try loop.removeWriter(watched.writing))
            #expect(try !loop.removeWriter(watched.writing))
            try loop.settle()
            #expect(calls == 3)
            try watched.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aDescriptorHasAReaderAndAWriter(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            // No room until the peer reads.
            var filler = [UInt8](repeating: 1, count: 65_536)
            while send(pair.first.rawValue, &filler, filler.count, Int32(MSG_DONTWAIT)) > 0 {}
            var (reads, writes) = (0, 0)
            try loop.addWriter(pair.first) {
                writes += 1
                try loop.removeWriter(pair.first)
            }
            try loop.addReader(pair.first) {
                reads += 1
                var byte: UInt8 = 0
                recv(pair.first.rawValue, &byte, 1, Int32(MSG_DONTWAIT))
            }
            try loop.settle()
            #expect((reads, writes) == (0, 0))
            peer.write("x")
            try loop.turn(until: { reads == 1 })
            #expect(writes == 0)
            peer.read()
            try loop.turn(until: { writes == 1 })
            peer.write("y")
            try loop.turn(until: { reads == 2 })
            try loop.settle()
            #expect((reads, writes) == (2, 1))
            #expect(try loop.removeReader(pair.first))
            #expect(try !loop.removeWriter(pair.first))
            try pair.first.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aPeerThatStopsSendingMakesNoRoom(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            func fill() {
                var filler = [UInt8](repeating: 1, count: 65_536)
                while send(pair.first.rawValue, &filler, filler.count, Int32(MSG_DONTWAIT)) > 0 {}
            }
            fill()
            peer.finish()
            var writes = 0
            try loop.addWriter(pair.first) { writes += 1 }
            try loop.settle()
            #expect(writes == 0)
            peer.read()
            // Level-triggered all the same.
            try loop.turn(until: { writes == 2 })
            fill()
            // A call or two may be under way.
            try loop.settle()
            writes = 0
            try loop.settle()
            #expect(writes == 0)
            #expect(try loop.removeWriter(pair.first))
            peer.read()
            try loop.settle()
            #expect(writes == 0)
            try pair.first.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aReaderIsReplaced(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let watched = try WatchedDescriptor(.pipe)
            let lives = LifeCounter()
            var calls: [String] = []
            let life = lives.makeObject()
            try loop.addReader(watched.reading) { [life] in
                life.touch()
                calls.append("first")
            }
            try loop.settle()
            try watched.feed()
            try loop.addReader(watched.reading) {
                calls.append("second")
                // Replaced within its own call.
                try loop.addReader(watched.reading) {
                    watched.drain()
                    calls.append("third")
                }
            }
            try loop.turn(until: { calls.count == 2 })
            try loop.settle()
            #expect(calls == ["second", "third"])
            #expect(try loop.removeReader(watched.reading))
            try watched.close()
            withExtendedLifetime(life) {}
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aReaderRemovesItselfAndOthers(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let watched = try (0..<2).map { _ in try WatchedDescriptor(.socket) }
            var calls: [Int] = []
            for index in 0..<2 {
                try loop.addReader(watched[index].reading) {
                    calls.append(index)
                    // Both are ready in one turn: the other's call must not come any more.
                    for each in watched { #expect((try? loop.removeReader(each.reading)) == true) }
                }
            }
            for each in watched { try each.feed() }
            try loop.turn(until: { !calls.isEmpty })
            try loop.settle()
            #expect(calls.count == 1)
            for each in watched { try each.close() }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theEndAndAHangUpAreReady(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (readable, writable) = (try WatchedDescriptor(.pipe), try WatchedDescriptor(.pipe))
            var (reads, writes) = (0, 0)
            try loop.addReader(readable.reading) {
                reads += 1
                try loop.removeReader(readable.reading)
            }
            var filler = [UInt8](repeating: 1, count: 4096)
            try checkCall(fcntl(writable.writing.rawValue, F_SETFL, O_NONBLOCK))
            while write(writable.writing.rawValue, &filler, filler.count) > 0 {}
            try loop.addWriter(writable.writing) {
                writes += 1
                try loop.removeWriter(writable.writing)
            }
            try loop.settle()
            #expect((reads, writes) == (0, 0))
            try readable.writing.close()
            try writable.reading.close()
            try loop.turn(until: { reads == 1 && writes == 1 })
            try readable.reading.close()
            try writable.writing.close()
        }
    }

    // Pitfall 42
    // Pitfall 43
    @Test(arguments: LoopKind.allCases)
    func aDescriptorThatWasClosedIsSilentAndItsNumberWatchedAnew(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (old, new) = (try WatchedDescriptor(.socket), try WatchedDescriptor(.socket))
            // Far from the numbers that others are given meanwhile; the old file stays open elsewhere.
            let index = 40 + Int32(LoopKind.allCases.firstIndex(of: kind)!)
            let number = try HighNumber.duplicate(old.reading, at: index)
            var calls: [String] = []
            try loop.addReader(number) { calls.append("old") }
            try loop.settle()
            try number.close()
            try loop.settle()
            #expect(calls.isEmpty)
            #expect(try HighNumber.duplicate(new.reading, at: index) == number)
            try loop.addReader(number) {
                new.drain()
                calls.append("new")
            }
            try old.feed()
            try loop.settle()
            #expect(calls.isEmpty)
            try new.feed()
            try loop.turn(until: { !calls.isEmpty })
            try loop.settle()
            #expect(calls == ["new"])
            try number.close()
            // There is a reader, whatever has become of what it read.
            #expect(try loop.removeReader(number))
            #expect(try !loop.removeReader(number))
            try old.close()
            try new.close()
        }
    }

    // Pitfall 15
    @Test(arguments: LoopKind.allCases)
    func aReaderOfTheSameNumberEndsWithAConnection(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let watched = try WatchedDescriptor(.socket)
            var calls = 0
            try loop.addReader(watched.reading) { calls += 1 }
            // As when it was closed and its number given to a connection.
            loop.own(watched.reading)
            try watched.feed()
            try loop.settle()
            #expect(calls == 0)
            #expect(throws: EventLoopError.self) { try loop.removeReader(watched.reading) }
            loop.disown(watched.reading)
            #expect(try !loop.removeReader(watched.reading))
            try watched.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatIsAlwaysReadyIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let file = try FileDescriptor.open("/proc/self/exe", .readOnly)
            let directory = try FileDescriptor.open("/", .readOnly)
            let null = try FileDescriptor.open("/dev/null", .readWrite)
            for descriptor in [file, directory, null] {
                #expect(throws: DescriptorError(descriptor, .notPermitted)) {
                    try loop.addReader(descriptor) {}
                }
                #expect(throws: DescriptorError(descriptor, .notPermitted)) {
                    try loop.addWriter(descriptor) {}
                }
                #expect(try !loop.removeReader(descriptor))
                try descriptor.close()
            }
            let text = DescriptorError(file, .notPermitted).description
            #expect(text.contains("always ready"))
            for number: Int32 in [-1, 1_000_000] {
                let none = FileDescriptor(rawValue: number)
                #expect(throws: DescriptorError(none, .badFileDescriptor)) { try loop.addReader(none) {} }
                #expect(try !loop.removeReader(none))
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatBelongsToSomebodyIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (transport, peer) = try loop.connect(RecordingProtocol())
            let owned = try #require(transport.extraInfo(.socket)).descriptor
            #expect(throws: EventLoopError.self) { try loop.addReader(owned) {} }
            #expect(throws: EventLoopError.self) { try loop.addWriter(owned) {} }
            #expect(throws: EventLoopError.self) { try loop.removeReader(owned) }
            #expect(throws: EventLoopError.self) { try loop.removeWriter(owned) }
            try loop.finish(transport, peer)

            let pair = try SocketPair(.unix)
            let task = loop.createTask { try await loop.sockRecv(pair.first, upTo: 1) }
            try loop.turnUntilWaiting()
            #expect(throws: EventLoopError.self) { try loop.addReader(pair.first) {} }
            // The other side is free.
            try loop.addWriter(pair.first) {}
            try loop.removeWriter(pair.first)
            task.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            try loop.addReader(pair.first) {}
            try loop.run {
                let error = await expectError(EventLoopError.self) {
                    try await loop.sockRecv(pair.first, upTo: 1)
                }
                guard case .invalidState(let reason) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(reason.contains("removeReader"))
                await #expect(throws: EventLoopError.self) {
                    try await loop.connectAcceptedSocket(pair.first) { RecordingProtocol() }
                }
            }
            try loop.removeReader(pair.first)
            try pair.close()
        }
    }

    // Behaviour 9
    @Test(arguments: LoopKind.allCases)
    func anErrorIsReportedAndTheReaderStays(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let watched = try WatchedDescriptor(.eventfd)
            var reported: [any Error] = []
            loop.setExceptionHandler { _, context in
                if let error = context.error { reported.append(error) }
            }
            try loop.addReader(watched.reading) {
                watched.drain()
                throw TestError(number: 3)
            }
            for count in 1...2 {
                try watched.feed()
                try loop.turn(until: { reported.count == count })
            }
            #expect(reported.allSatisfy { $0 as? TestError == TestError(number: 3) })
            try loop.removeReader(watched.reading)
            loop.setExceptionHandler(nil)
            try watched.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aSlowReaderIsLoggedInDebugMode(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let watched = try WatchedDescriptor(.eventfd)
            loop.debug = true
            loop.slowCallbackDuration = .zero
            var calls = 0
            try loop.addReader(watched.reading) {
                watched.drain()
                calls += 1
            }
            try watched.feed()
            let lines = try LogCapture.lines { try loop.turn(until: { calls == 1 }) }
            #expect(lines.contains { $0.contains("a callback of descriptor \(watched.reading.rawValue)") })
            try loop.removeReader(watched.reading)
            try watched.close()
        }
    }

    // Behaviour 8
    @Test(arguments: LoopKind.allCases)
    func aLoopClosesWithItsReaders(kind: LoopKind) async throws {
        let lives = LifeCounter()
        try await kind.withLoop { loop in
            let watched = try WatchedDescriptor(.pipe)
            let life = lives.makeObject()
            try loop.addReader(watched.reading) { [life] in life.touch() }
            try loop.addWriter(watched.writing) { [life, loop] in
                life.touch()
                #expect(loop.isRunning)
            }
            try loop.settle()
            try loop.close()
            #expect(try !loop.removeReader(watched.reading))
            #expect(throws: EventLoopError.closed) { try loop.addReader(watched.reading) {} }
            try watched.close()
        }
        #expect(lives.alive == 0)
    }
}
