import Logging

/// Every child process of a loop that is not over: it keeps their transports alive, and finds what still runs.
struct ProcessRegistry {
    private var processes: [ObjectIdentifier: ChildProcess] = [:]

    mutating func insert(_ process: ChildProcess) {
        processes[ObjectIdentifier(process)] = process
    }

    mutating func remove(_ process: ChildProcess) {
        processes[ObjectIdentifier(process)] = nil
    }

    /// Ends what still runs, for a loop that closes. Nothing is in flight any more. A fork leaves the children alone: they are
    /// its parent's.
    mutating func closeAll(inFork: Bool, reportingTo logger: Logger?) {
        let open = processes.values
        processes = [:]
        for process in open {
            logger?.warning("\(process) was still open when its event loop closed")
            process.closeWithLoop(inFork: inFork)
        }
    }
}
