import SystemPackage

/// Connects to one of several addresses by overlapping attempts: RFC 8305, section 5.
///
/// The next attempt starts when the one before it has failed, or has not ended within the delay. The first
/// that succeeds wins; the others are cancelled, and what they still bring is discarded. ``run()`` returns
/// when all of them are over, so that nothing of the race is left behind it.
final class ConnectionRace {
    typealias Attempt = nonisolated(nonsending) (SocketAddress) async throws -> FileDescriptor

    private let loop: BaseEventLoop
    private let addresses: [SocketAddress]
    private let delay: Duration
    private let attempt: Attempt
    private let discard: (FileDescriptor) -> Void

    private var attempts: [LoopTask<FileDescriptor>] = []
    private var attemptsEnded = 0
    /// By the addresses' order.
    private var failures: [Int: SocketError] = [:]
    private var nextStart: TimerHandle?
    private let winner: Future<FileDescriptor>

    /// - Parameters:
    ///   - addresses: where to connect to, in this order; not none.
    ///   - delay: how long an attempt has the field to itself.
    ///   - attempt: connects a socket and returns it, throws ``SocketError``, and ends soon when it is
    ///     cancelled.
    ///   - discard: closes a socket that came too late.
    init(
        loop: BaseEventLoop,
        addresses: [SocketAddress],
        delay: Duration,
        attempt: @escaping Attempt,
        discard: @escaping (FileDescriptor) -> Void
    ) {
        precondition(!addresses.isEmpty, "a race needs an address")
        self.loop = loop
        self.addresses = addresses
        self.delay = delay
        self.attempt = attempt
        self.discard = discard
        winner = loop.createFuture(of: FileDescriptor.self)
    }

    /// Returns the winner's socket. To be called once.
    ///
    /// - Throws: ``ConnectionError`` with a reason for each address; `CancellationError`.
    nonisolated(nonsending) func run() async throws -> FileDescriptor {
        precondition(attempts.isEmpty, "a race is run once")
        startNextAttempt()
        do {
            let socket = try await winner.value()
            await endAttempts(keeping: socket)
            return socket
        } catch {
            await endAttempts(keeping: nil)
            throw error
        }
    }

    private func startNextAttempt() {
        nextStart?.cancel()
        nextStart = nil
        let index = attempts.count
        guard index < addresses.count else { return }
        let address = addresses[index]
        // Not by the user's task factory: these are no tasks of the user's.
        let task = LoopTask(on: loop, name: "connecting to \(address)") { [attempt] in
            try await attempt(address)
        }
        attempts.append(task)
        _ = task.addPlainDoneCallback { done in
            self.attemptEnded(index, Result { try done.result() })
        }
        guard index + 1 < addresses.count else { return }
        let timer = loop.timers.insert(
            .callback { self.startNextAttempt() },
            at: loop.time().advanced(by: delay)
        )
        nextStart = timer
    }

    private func attemptEnded(_ index: Int, _ outcome: Result<FileDescriptor, any Error>) {
        attemptsEnded += 1
        // Otherwise the race is over, and `endAttempts` sees to what this one brings.
        guard !winner.done else { return }
        switch outcome {
        case .success(let socket):
            winner.succeed(socket)
        case .failure(let error as SocketError):
            failures[index] = error
            if attempts.count < addresses.count {
                startNextAttempt()
            } else if attemptsEnded == addresses.count {
                let reasons = addresses.indices.compactMap { failures[$0] }
                winner.fail(ConnectionError(reasons: reasons))
            }
        case .failure(let error):
            winner.fail(error)
        }
    }

    /// Leaves no attempt, no timer and no socket but the winner's. Goes on when the calling task is
    /// cancelled.
    nonisolated(nonsending) private func endAttempts(keeping winner: FileDescriptor?) async {
        nextStart?.cancel()
        for task in attempts { task.cancel() }
        for task in attempts {
            guard let socket = try? await task.value(), socket != winner else { continue }
            discard(socket)
        }
    }
}
