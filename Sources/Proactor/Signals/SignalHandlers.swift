import SystemPackage

/// A loop's signal handlers. Made for the first of them; the loop's thread only.
///
/// The process's handler, in C, marks a signal and makes the watch's descriptor readable, which an operation waits for. So
/// a signal wakes the loop like anything else, on whichever thread it was caught.
final class SignalHandlers: CompletionOwner {
    // The loop owns this and closes it.
    private unowned let loop: BaseEventLoop
    private let watch: any SignalWatch
    private var handlers: [Signal: () throws -> Void] = [:]
    /// The wait for signals.
    private var waiting: OperationToken?
    private var isClosed = false

    init(loop: BaseEventLoop, watch: any SignalWatch) {
        self.loop = loop
        self.watch = watch
    }

    func add(_ signal: Signal, _ callback: @escaping () throws -> Void) throws(SignalError) {
        try watch.add(signal)
        handlers[signal] = callback
        if waiting == nil { wait() }
    }

    /// Returns false when there was none.
    func remove(_ signal: Signal) -> Bool {
        guard handlers.removeValue(forKey: signal) != nil else { return false }
        watch.remove(signal)
        if handlers.isEmpty, let waiting { loop.backend.cancel(waiting) }
        return true
    }

    private func wait() {
        waiting = loop.backend.submit(.waitUntilReadable(watch.descriptor), owner: self)
    }

    override func operationCompleted(_ completion: Completion) {
        precondition(completion.token == waiting, "a wait for signals completed that was not in flight")
        waiting = nil
        if let errno = completion.errno, errno != .canceled { return report(errno) }
        for signal in watch.take() {
            // Looked up when its turn has come: a handler may remove another.
            loop.ready.push(.callback { try self.handlers[signal]?() })
        }
        // One that was added again while the wait was being cancelled wants it all the same.
        if !handlers.isEmpty { wait() }
    }

    private func report(_ errno: Errno) {
        loop.callExceptionHandler(
            ExceptionContext(message: "the loop cannot wait for signals any more", error: errno)
        )
    }

    /// For a loop that closes, before its backend: no signal is wanted from here on.
    func removeAll() {
        for signal in handlers.keys { watch.remove(signal) }
        handlers = [:]
    }

    /// For a loop that closes, after its backend: nothing waits on the descriptor any more.
    func close() {
        precondition(!isClosed, "a loop's signal handlers were closed twice")
        isClosed = true
        watch.close()
    }
}
