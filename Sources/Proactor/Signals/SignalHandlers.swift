import SystemPackage

/// A loop's signal handlers. Made for the first of them; the loop's thread only.
///
/// The process's handler, in C, marks a signal and makes the watch's descriptor readable, which an operation waits for. So
/// a signal wakes the loop like anything else, on whichever thread it was caught.
final class SignalHandlers: CompletionOwner {
    // The loop owns this and closes it.
    private unowned let loop: BaseEventLoop
    private let watch: any SignalWatch
    /// What is done at a signal: the last of its entries.
    private var entries: [Signal: [Entry]] = [:]
    /// The wait for signals.
    private var waiting: OperationToken?
    private var isClosed = false

    init(loop: BaseEventLoop, watch: any SignalWatch) {
        self.loop = loop
        self.watch = watch
    }

    // MARK: - The program's handlers

    /// Adds the program's handler of a signal, or replaces it.
    func add(_ signal: Signal, _ callback: @escaping () throws -> Void) throws(SignalError) {
        try put(Entry(owner: nil, callback: callback), for: signal)
    }

    /// Removes the program's handler. Returns false when there was none.
    func remove(_ signal: Signal) -> Bool {
        takeEntry(of: nil, for: signal)
    }

    // MARK: - Ends

    /// Has `end` hear of its signals, before whoever wanted them until now.
    func add(_ end: SignalledEnd) throws(SignalError) {
        for signal in end.signals {
            do {
                try put(Entry(owner: end, callback: { self.tell(end, signal) }), for: signal)
            } catch {
                remove(end)
                throw error
            }
        }
    }

    /// Whoever wanted them before does again.
    func remove(_ end: SignalledEnd) {
        for signal in end.signals { _ = takeEntry(of: end, for: signal) }
    }

    private func tell(_ end: SignalledEnd, _ signal: Signal) {
        // Two that came at the same time, before the kernel was told.
        if end.signal != nil { loop.system.processes.endProgram(by: signal) }
        end.signalCame(signal)
    }

    // MARK: - Entries

    private func put(_ entry: Entry, for signal: Signal) throws(SignalError) {
        // First, so that the very first signal counts.
        watch.setEnding(signal, entry.owner != nil)
        do { try watch.add(signal) } catch {
            watch.setEnding(signal, false)
            throw error
        }
        var list = entries[signal] ?? []
        list.removeAll { $0.owner === entry.owner }
        entries[signal] = list + [entry]
        if waiting == nil { wait() }
    }

    private func takeEntry(of owner: SignalledEnd?, for signal: Signal) -> Bool {
        guard var list = entries[signal], let index = list.firstIndex(where: { $0.owner === owner }) else {
            return false
        }
        list.remove(at: index)
        entries[signal] = list.isEmpty ? nil : list
        if let last = list.last {
            watch.setEnding(signal, last.owner != nil)
        } else {
            watch.remove(signal)
        }
        if entries.isEmpty, let waiting { loop.backend.cancel(waiting) }
        return true
    }

    // MARK: - Waiting

    private func wait() {
        waiting = loop.backend.submit(.waitUntilReadable(watch.descriptor), owner: self)
    }

    override func operationCompleted(_ completion: Completion) {
        precondition(completion.token == waiting, "a wait for signals completed that was not in flight")
        waiting = nil
        if let errno = completion.errno, errno != .canceled { return report(errno) }
        for signal in watch.take() {
            // Looked up when its turn has come: a handler may remove another.
            loop.ready.push(.callback { try self.entries[signal]?.last?.callback() })
        }
        // One that was added again while the wait was being cancelled wants it all the same.
        if !entries.isEmpty { wait() }
    }

    private func report(_ errno: Errno) {
        loop.callExceptionHandler(
            ExceptionContext(message: "the loop cannot wait for signals any more", error: errno)
        )
    }

    /// For a loop that closes, before its backend: no signal is wanted from here on.
    func removeAll() {
        // Not in a hash's order: a simulation does the same each time.
        for signal in entries.keys.sorted(by: { $0.rawValue < $1.rawValue }) { watch.remove(signal) }
        entries = [:]
    }

    /// For a loop that closes, after its backend: nothing waits on the descriptor any more.
    func close() {
        precondition(!isClosed, "a loop's signal handlers were closed twice")
        isClosed = true
        watch.close()
    }
}

/// Something that is done at a signal.
private struct Entry {
    /// Whose it is; `nil` is the program's own handler.
    let owner: SignalledEnd?
    let callback: () throws -> Void
}
