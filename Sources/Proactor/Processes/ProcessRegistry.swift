import Logging

/// Every child process of a loop that is not over: it keeps their transports alive, and finds what still runs.
struct ProcessRegistry {
    private var processes: [ChildProcess] = []

    mutating func insert(_ process: ChildProcess) {
        process.registryIndex = processes.count
        processes.append(process)
    }

    /// The last one takes the place of the one that goes.
    mutating func remove(_ process: ChildProcess) {
        let index = process.registryIndex
        precondition(processes[index] === process, "a child process left the registry twice")
        process.registryIndex = -1
        let last = processes.removeLast()
        guard last !== process else { return }
        last.registryIndex = index
        processes[index] = last
    }

    /// Ends what still runs, for a loop that closes. Nothing is in flight any more. A fork leaves the children alone: they are
    /// its parent's.
    mutating func closeAll(inFork: Bool, reportingTo logger: Logger?) {
        let open = processes
        processes = []
        for process in open {
            logger?.warning("\(process) was still open when its event loop closed")
            process.closeWithLoop(inFork: inFork)
        }
    }
}
