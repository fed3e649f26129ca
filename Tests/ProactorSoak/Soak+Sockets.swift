import Glibc
import SystemPackage

@testable import Proactor

extension Soak {
    /// Two sockets of its own: what one sends the other receives, whole, although receives are cancelled all the time.
    func socketScenario() async throws {
        let system = loop.backend.system
        let listener = try system.makeSocket(.ipv4, .stream)
        defer { try? system.close(listener) }
        try system.bind(listener, to: .ipv4(.loopback, port: 0))
        try system.listen(listener, backlog: 1)
        let sender = try system.makeSocket(.ipv4, .stream)
        defer { try? system.close(sender) }
        let address = try system.localAddress(of: listener)
        let accepting = loop.createTask { try await self.loop.sockAccept(listener).socket }
        let connecting = loop.createTask { try await self.loop.sockConnect(sender, to: address) }
        // The accept is cancelled once in a while, and when nobody will connect.
        if random.oneIn(8) { accepting.cancel() }
        await connecting.untilDoneRegardless()
        if (try? connecting.result()) == nil { accepting.cancel() }
        // Over before the listener is closed; one that came too late for its cancel counts.
        await accepting.untilDoneRegardless()
        guard let receiver = try? accepting.result() else { return try Task.checkCancellation() }
        defer { try? system.close(receiver) }
        try await move(random.bytes(random.number(1...200_000)), from: sender, to: receiver)
    }

    private func move(
        _ bytes: [UInt8],
        from sender: FileDescriptor,
        to receiver: FileDescriptor
    ) async throws {
        let sending = loop.createTask { try await self.loop.sockSendAll(sender, bytes) }
        do {
            var received = 0
            while received < bytes.count {
                let piece = try await receivePiece(receiver)
                guard !piece.isEmpty, bytes[received...].starts(with: piece) else {
                    throw SoakProblem(
                        "a socket brought something else than was sent, after \(received) bytes"
                    )
                }
                received += piece.count
            }
        } catch {
            sending.cancel()
            await sending.untilDoneRegardless()
            _ = try? sending.result()
            throw error
        }
        await sending.untilDoneRegardless()
        try sending.result()
    }

    /// What has come, by one receive or, when that is cancelled, by the next.
    private func receivePiece(_ socket: FileDescriptor) async throws -> [UInt8] {
        while true {
            try Task.checkCancellation()
            let size = random.number(1...70_000)
            let receiving = loop.createTask { try await self.loop.sockRecv(socket, upTo: size) }
            if random.oneIn(3) { _ = try loop.callLater(random.microseconds(0...200)) { receiving.cancel() } }
            await receiving.untilDoneRegardless()
            do { return try receiving.result() } catch is CancellationError { continue }
        }
    }

    /// A pipe that is written and read when its ends say that they can be.
    func watchScenario() async throws {
        let pipe = try loop.backend.system.processes.makePipe()
        for end in [pipe.reading, pipe.writing] {
            try loop.backend.system.processes.setNonBlocking(end, true)
        }
        let bytes = random.bytes(random.number(1...200_000))
        var (written, received) = (0, [UInt8]())
        let over = loop.createFuture()
        defer {
            _ = try? loop.removeReader(pipe.reading)
            _ = try? loop.removeWriter(pipe.writing)
            try? pipe.reading.close()
            try? pipe.writing.close()
        }
        try loop.addWriter(pipe.writing) {
            let piece = Array(bytes[written...].prefix(10_000))
            written += try piece.withUnsafeBytes { try pipe.writing.write($0) }
            if written == bytes.count { try self.loop.removeWriter(pipe.writing) }
        }
        try loop.addReader(pipe.reading) {
            var room = [UInt8](repeating: 0, count: 30_000)
            let count = try room.withUnsafeMutableBytes { try pipe.reading.read(into: $0) }
            received += room[..<count]
            if received.count >= bytes.count, !over.done { try over.setResult() }
        }
        try await over.value()
        guard received == bytes else {
            throw SoakProblem("a watched pipe brought something else than was written")
        }
    }

    /// A signal of the process's own, another one for each scenario that is under way.
    func signalScenario() async throws {
        guard let stretch = freeStretches.popLast() else { return }
        defer { freeStretches.append(stretch) }
        let signal = Signal(rawValue: 36 + Int32(stretch))
        for _ in 0..<random.number(1...3) {
            let caught = loop.createFuture()
            try loop.addSignalHandler(signal) { if !caught.done { try caught.setResult() } }
            kill(getpid(), signal.rawValue)
            // Also in a cancelled task: without a handler it would end the program.
            await caught.untilDoneRegardless()
        }
        guard try loop.removeSignalHandler(signal) else { throw SoakProblem("a signal handler got lost") }
        try Task.checkCancellation()
    }
}
