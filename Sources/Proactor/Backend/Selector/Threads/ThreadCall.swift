import Glibc

/// One operation on its way through an executor: whoever takes it first, a thread to run it or the loop to drop it, has it.
///
/// `@unchecked Sendable`: the operation's memory is the caller's, and used by one thread at a time: by the loop's until it is
/// submitted and after its completion, by the executor's in between.
final class ThreadCall: @unchecked Sendable {
    private let operation: IOOperation
    private let token: OperationToken
    private let calls: FileCalls
    private let results: ThreadCallResults
    private let isTaken = ThreadLock(false)

    init(_ operation: IOOperation, token: OperationToken, calls: FileCalls, results: ThreadCallResults) {
        self.operation = operation
        self.token = token
        self.calls = calls
        self.results = results
    }

    /// Whether the caller is the first. Any thread.
    func take() -> Bool {
        isTaken.withLock { isTaken in
            defer { isTaken = true }
            return !isTaken
        }
    }

    /// Makes the call, unless it was dropped. The executor's thread.
    func run() {
        guard take() else { return }
        let result = calls.perform(operation)
        if !results.post(CompletedOperation(token: token, result: result)) {
            Self.discard(token, result, calls)
        }
    }

    /// The executor let go of it without running it.
    func abandon() {
        guard take() else { return }
        _ = results.post(CompletedOperation(token: token, result: refuse()))
    }

    /// What it comes to when nobody is to wait for it, or without a thread to run it on. A close has to be done all the same, for
    /// nobody else has the descriptor: when there is no thread to be had, here.
    func refuse() -> Int32 {
        guard case .closeFile(let descriptor) = operation else { return -ECANCELED }
        let (calls, number) = (calls, descriptor.rawValue)
        do {
            try calls.startClosing { _ = calls.close(number) }
            return 0
        } catch {
            return calls.close(number)
        }
    }

    /// Lets nothing leak of a call whose result nobody wants any more.
    static func discard(_ token: OperationToken, _ result: Int32, _ calls: FileCalls) {
        // Nobody is left to hear of a failure.
        if token.kind == .openFile, result >= 0 { _ = calls.close(result) }
    }
}
