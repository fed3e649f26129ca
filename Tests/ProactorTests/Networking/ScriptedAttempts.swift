import SystemPackage

@testable import Proactor

/// Attempts to connect that end as a test says, with descriptors that the kernel never sees.
final class ScriptedAttempts {
    enum Outcome {
        case connects
        case refuses
        /// Never ends, until it is cancelled.
        case hangs
        /// Connects when so many attempts have started.
        case connectsAfter(starts: Int)
        /// Connects although it is cancelled.
        case connectsWhenCancelled
    }

    private let loop: BaseEventLoop
    private let outcomes: [Outcome]
    private var waiting: [(starts: Int, Future<Void>)] = []
    let began: LoopInstant
    /// When each attempt started.
    private(set) var starts: [LoopInstant] = []
    private(set) var cancelled: [Int] = []
    private(set) var discarded: [Int] = []

    init(_ outcomes: [Outcome], on loop: BaseEventLoop) {
        self.outcomes = outcomes
        self.loop = loop
        began = loop.time()
    }

    var addresses: [SocketAddress] { outcomes.indices.map(Self.address) }

    static func address(_ number: Int) -> SocketAddress {
        .ipv4(.loopback, port: UInt16(number))
    }

    static func socket(_ number: Int) -> FileDescriptor {
        FileDescriptor(rawValue: Int32(1_000_000 + number))
    }

    static func refusal(_ number: Int) -> SocketError {
        SocketError(.connect, .connectionRefused, address: address(number))
    }

    func race(delay: Duration) -> ConnectionRace {
        ConnectionRace(loop: loop, addresses: addresses, delay: delay) { address in
            try await self.attempt(Int(address.port!))
        } discard: { socket in
            self.discarded.append(Int(socket.rawValue) - 1_000_000)
        }
    }

    nonisolated(nonsending) private func attempt(_ number: Int) async throws -> FileDescriptor {
        starts.append(loop.time())
        for (wanted, future) in waiting where wanted == starts.count { try future.setResult() }
        switch outcomes[number] {
        case .connects:
            break
        case .refuses:
            throw Self.refusal(number)
        case .hangs:
            try await wait(loop.createFuture(), number)
        case .connectsAfter(let wanted):
            let future = loop.createFuture()
            waiting.append((wanted, future))
            try await wait(future, number)
        case .connectsWhenCancelled:
            try? await wait(loop.createFuture(), number)
        }
        return Self.socket(number)
    }

    nonisolated(nonsending) private func wait(_ future: Future<Void>, _ number: Int) async throws {
        do {
            try await future.value()
        } catch {
            cancelled.append(number)
            throw error
        }
    }
}
