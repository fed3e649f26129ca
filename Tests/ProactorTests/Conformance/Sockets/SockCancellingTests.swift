import Dispatch
import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// A cancel against a completion, in every order, and against the end of the loop.
@Suite struct SockCancellingTests {
    // Behaviour 25
    @Test(arguments: SocketCase.all, ReceiveForm.allCases)
    func aReceiveAfterACancelledOneGetsTheData(flavour: SocketCase, form: ReceiveForm) async throws {
        try await flavour.kind.withLoop { loop in
            let pair = try flavour.pair()
            let peer = RawPeer(pair.second)
            let cancelled = loop.createTask { try await form.receive(loop, pair.first, upTo: 10) }
            try loop.turnUntilWaiting()
            cancelled.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(cancelled) }
            peer.write("data")
            #expect(try loop.run { try await form.receive(loop, pair.first, upTo: 10) } == Array("data".utf8))
            try pair.first.close()
        }
    }

    // Behaviour 25
    @Test(arguments: LoopKind.allCases)
    func aTaskThatIsCancelledBeforehandTakesNothing(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            peer.write("data")
            let cancelled = loop.createTask {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await loop.sockRecv(pair.first, upTo: 10)
            }
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(cancelled) }
            #expect(try loop.run { try await loop.sockRecv(pair.first, upTo: 10) } == Array("data".utf8))
            try pair.first.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTaskThatIsCancelledBeforehandSendsNothing(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            let receiver = try RawDatagramPeer(.unixAbstract)
            let address = receiver.address
            let socket = try testSocket(AF_UNIX, .datagram)
            let sends: [() async throws -> Void] = [
                { try await loop.sockSendAll(pair.first, "small") },
                { try await loop.sockSendAll(pair.first, patternBytes(100_000)) },
                { _ = try await loop.sockSendTo(socket, "datagram", to: address) },
            ]
            for send in sends {
                let cancelled = loop.createTask {
                    withUnsafeCurrentTask { $0?.cancel() }
                    try await send()
                }
                #expect(throws: CancellationError.self) { try loop.runUntilComplete(cancelled) }
            }
            peer.read()
            #expect(peer.received.isEmpty && receiver.receiveAll() == [])
            try pair.first.close()
            try socket.close()
        }
    }

    // Behaviour 25
    // Pitfall 21
    @Test(arguments: LoopKind.allCases)
    func aReceiveThatWinsAgainstItsCancelReturns(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            backend.losesCancels = true
            let task = loop.createTask {
                let bytes = try await loop.sockRecv(pair.first, upTo: 10)
                #expect(Task.isCancelled)
                return bytes
            }
            try loop.turnUntilWaiting()
            task.cancel()
            peer.write("data")
            #expect(try loop.runUntilComplete(task) == Array("data".utf8))
            try pair.first.close()
        }
    }

    // Behaviour 25
    // Pitfall 21
    // Pitfall 22
    @Test(arguments: SocketCase.all)
    func whoeverWinsTheDataIsNotLost(flavour: SocketCase) async throws {
        try await flavour.kind.withLoop { loop in
            let pair = try flavour.pair()
            let peer = RawPeer(pair.second)
            var received: [UInt8] = []
            for round in 0..<60 {
                let task = loop.createTask { try await loop.sockRecv(pair.first, upTo: 10) }
                try loop.turnUntilWaiting()
                // The data is on its way when the cancel is asked for, or the other way round, with turns in between.
                if round % 2 == 0 { peer.write([UInt8(round)]) }
                for _ in 0..<round % 3 where round % 4 < 2 { try loop.turn() }
                task.cancel()
                if round % 2 == 1 { peer.write([UInt8(round)]) }
                do {
                    received += try loop.runUntilComplete(task)
                } catch is CancellationError {
                    received += try loop.run { try await loop.sockRecv(pair.first, upTo: 10) }
                }
            }
            #expect(received == (0..<60).map { UInt8($0) })
            try pair.first.close()
        }
    }

    // Pitfall 20
    @Test(arguments: LoopKind.allCases)
    func aCancelThatComesTooLateHitsNobody(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            let first = loop.createTask {
                let bytes = try await loop.sockRecv(pair.first, upTo: 1)
                // The next one uses what the first has given back.
                let second = loop.createTask { try await loop.sockRecv(pair.first, upTo: 1) }
                await Task.yield()
                withUnsafeCurrentTask { $0?.cancel() }
                return (bytes, second)
            }
            peer.write("a")
            let (bytes, second) = try loop.runUntilComplete(first)
            #expect(bytes == Array("a".utf8))
            try loop.settle()
            peer.write("b")
            #expect(try loop.runUntilComplete(second) == Array("b".utf8))
            try pair.first.close()
        }
    }

    // Pitfall 20
    @Test(arguments: LoopKind.allCases)
    func anotherThreadsCancelThatComesTooLateHitsNobody(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            nonisolated(unsafe) var second: LoopTask<[UInt8]>?
            let first = Task(executorPreference: loop) {
                let bytes = try await loop.sockRecv(pair.first, upTo: 1)
                // It uses what the first has given back.
                second = loop.createTask { try await loop.sockRecv(pair.first, upTo: 1) }
                return bytes
            }
            try loop.turnUntilWaiting()
            peer.write("a")
            // The byte is here already, and is told in this turn; the cancel reaches the loop in the next.
            try loop.callSoon { TestThread { first.cancel() }.join() }
            try loop.turn()
            #expect(try loop.run { try await first.value } == Array("a".utf8))
            try loop.settle()
            peer.write("b")
            #expect(try loop.runUntilComplete(try #require(second)) == Array("b".utf8))
            try pair.first.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aCancelFromAnotherThreadEndsTheWait(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let waiting = Task(executorPreference: loop) {
                try await loop.sockRecv(pair.first, upTo: 1)
            }
            try loop.turnUntilWaiting()
            DispatchQueue.global().async { waiting.cancel() }
            let outcome = try loop.run { await waiting.result }
            #expect(throws: CancellationError.self) { try outcome.get() }
            #expect(loop.backend.operationCount == 0)
            try pair.close()
        }
    }

    // Behaviour 24
    @Test(arguments: SocketCase.all)
    func aCancelledAcceptLeavesTheListener(flavour: SocketCase) async throws {
        try await flavour.kind.withLoop { loop in
            let (listener, address) = try testListener()
            try flavour.set(listener)
            let cancelled = loop.createTask { try await loop.sockAccept(listener) }
            try loop.turnUntilWaiting()
            cancelled.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(cancelled) }
            let peer = try RawPeer(connectedTo: try #require(address.port))
            let (socket, _) = try loop.run { try await loop.sockAccept(listener) }
            peer.write("x")
            #expect(try loop.run { try await loop.sockRecv(socket, upTo: 1) } == Array("x".utf8))
            try socket.close()
            try listener.close()
        }
    }

    // Behaviour 24
    // Pitfall 21
    @Test(arguments: LoopKind.allCases)
    func anAcceptThatWinsAgainstItsCancelReturns(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let (listener, address) = try testListener()
            backend.losesCancels = true
            let task = loop.createTask { try await loop.sockAccept(listener) }
            try loop.turnUntilWaiting()
            task.cancel()
            let peer = try RawPeer(connectedTo: try #require(address.port))
            let (socket, _) = try loop.runUntilComplete(task)
            // It is the caller's alone: its end is seen at once.
            try socket.close()
            peer.waitUntilOver()
            #expect(peer.isOver)
            try listener.close()
        }
    }

    // Behaviour 24
    // Pitfall 22
    @Test(arguments: LoopKind.allCases)
    func noConnectionIsLostBetweenCancels(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (listener, address) = try testListener()
            for round in 0..<40 {
                let task = loop.createTask { try await loop.sockAccept(listener) }
                try loop.turnUntilWaiting()
                if round % 2 == 1 { task.cancel() }
                let peer = try RawPeer(connectedTo: try #require(address.port))
                if round % 2 == 0 { task.cancel() }
                let socket: FileDescriptor
                do {
                    socket = try loop.runUntilComplete(task).socket
                } catch is CancellationError {
                    socket = try loop.run { try await loop.sockAccept(listener) }.socket
                }
                try socket.close()
                peer.waitUntilOver()
                #expect(peer.isOver)
            }
            try listener.close()
        }
    }

    // Behaviour 24
    @Test(arguments: LoopKind.allCases)
    func aConnectionThatNobodyTakesIsClosedWithTheLoop(kind: LoopKind) async throws {
        try await kind.withLoop(abandonsTasks: true) { loop in
            let (listener, address) = try testListener()
            let task = loop.createTask {
                // Never runs on to take the second.
                _ = try await loop.sockAccept(listener)
            }
            try loop.turnUntilWaiting()
            let peer = try RawPeer(connectedTo: try #require(address.port))
            // Accepted by the backend, or still in the listener's queue: the end of both is the end of the connection.
            loop.backend.poll(timeoutNanoseconds: 1_000_000_000)
            try loop.close()
            try listener.close()
            peer.waitUntilOver()
            #expect(peer.isOver)
            #expect(!task.done)
        }
    }

    // Pitfall 24
    @Test(arguments: LoopKind.allCases)
    func aLoopClosesUnderCalls(kind: LoopKind) async throws {
        try await kind.withLoop(abandonsTasks: true) { loop in
            let pair = try SocketPair(.unix)
            let (listener, _) = try testListener()
            let tasks: [any AnyFuture] = [
                loop.createTask { try await loop.sockRecv(pair.first, upTo: 1) },
                loop.createTask { try await loop.sockRecv(pair.first, upTo: 1) },
                loop.createTask {
                    var buffer = OwnedBuffer(capacity: 10)
                    return try await loop.sockRecvInto(pair.second, &buffer)
                },
                loop.createTask { try await loop.sockAccept(listener) },
                loop.createTask {
                    try await loop.sockSendAll(pair.first, [UInt8](repeating: 0, count: 8 << 20))
                },
            ]
            try loop.turnUntilWaiting(operations: 4)
            try loop.close()
            // The sockets are the caller's, and open still.
            for socket in [pair.first, pair.second, listener] { try socket.close() }
            #expect(tasks.count == 5)
        }
    }

    // Pitfall 22
    @Test(arguments: LoopKind.allCases)
    func aTaskThatIsCancelledOnItsWayToWaitDoesNotWait(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let pair = try SocketPair(.unix)
            let awaited = AwaitedOperation(loop: loop)
            let task = loop.createTask {
                // As by another thread, when the task has found itself not cancelled.
                withUnsafeCurrentTask { $0?.cancel() }
                awaited.submit(.waitUntilReadable(pair.first))
                return await awaited.wait()
            }
            #expect(try loop.runUntilComplete(task) == -ECANCELED)
            try pair.close()
        }
    }
}
