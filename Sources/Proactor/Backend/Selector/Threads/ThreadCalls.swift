import Glibc
import SystemPackage

/// The operations of a selector backend that are calls on an executor's threads. All of it belongs to the loop's thread, but
/// for what ``ThreadCall`` and ``ThreadCallResults`` do.
final class ThreadCalls {
    private let calls: FileCalls
    private let results: ThreadCallResults
    private var submit: BlockingCallSubmission?
    // Exclusivity: it belongs to the loop's thread, and nothing is called while it changes.
    @exclusivity(unchecked) private var waiting: [OperationToken: ThreadCall] = [:]

    /// How long closing waits for calls that have begun.
    private static let closeTimeout = Duration.seconds(1)

    init(calls: FileCalls, waker: any LoopWaker) {
        self.calls = calls
        results = ThreadCallResults(waker: waker)
    }

    /// How many are not over.
    var count: Int { waiting.count }

    func useExecutor(_ submit: @escaping BlockingCallSubmission) {
        self.submit = submit
    }

    /// Hands an operation to the executor. Returns its result when that failed: why, as a rule.
    func start(_ operation: IOOperation, _ token: OperationToken) -> Int32? {
        let call = ThreadCall(operation, token: token, calls: calls, results: results)
        waiting[token] = call
        let ticket = ThreadCallTicket(call)
        do throws(Errno) {
            if case .closeFile = operation {
                // Not behind what an executor is busy with: nobody waits for room to close something.
                try calls.startClosing { ticket.run() }
            } else {
                guard let submit else { throw .notSupported }
                try submit { ticket.run() }
            }
            return nil
        } catch {
            // A sandbox that does not know how the C library starts threads says so. Then the loop waits itself.
            if error == .notPermitted || error == .permissionDenied {
                ticket.run()
                return nil
            }
            // The ticket says nothing any more, whatever the executor does with it.
            return take(token).map { Self.refuse(operation, $0, error) }
        }
    }

    private static func refuse(_ operation: IOOperation, _ call: ThreadCall, _ reason: Errno) -> Int32 {
        if case .closeFile = operation { call.refuse() } else { -reason.rawValue }
    }

    /// Keeps a call from beginning. False when it has begun, or is over.
    func drop(_ token: OperationToken) -> Bool {
        take(token) != nil
    }

    /// Takes a call back that no thread has begun.
    private func take(_ token: OperationToken) -> ThreadCall? {
        guard let call = waiting[token], call.take() else { return nil }
        waiting[token] = nil
        return call
    }

    /// Calls `body` with each operation that has ended since the last time.
    func takeResults(_ body: (CompletedOperation) -> Void) {
        for result in results.take() {
            waiting[result.token] = nil
            body(result)
        }
    }

    /// Lets nothing begin any more, and waits a while for what has begun. Returns what is still running then; what that
    /// opens is closed by itself.
    func close() -> Set<OperationToken> {
        submit = nil
        // Not in a hash's order: a simulation does the same each time.
        for token in waiting.keys.sorted(by: { $0.rawValue < $1.rawValue }) { _ = take(token)?.refuse() }
        let running = Set(waiting.keys)
        waiting = [:]
        let ended = results.close(waitingFor: running.count, timeout: Self.closeTimeout)
        for operation in ended { ThreadCall.discard(operation.token, operation.result, calls) }
        return running.subtracting(ended.map(\.token))
    }
}

/// What an executor holds of a call: it notices when the executor lets go of it.
final class ThreadCallTicket: Sendable {
    private let call: ThreadCall

    init(_ call: ThreadCall) {
        self.call = call
    }

    deinit {
        call.abandon()
    }

    func run() {
        call.run()
    }
}
