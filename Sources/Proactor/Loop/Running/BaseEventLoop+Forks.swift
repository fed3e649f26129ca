/// In a fork's child, a loop of its parent's is a copy of what the fork found, and shares the kernel's side with the parent. The
/// child may let go of it. It takes no lock on the way, for it may be held by a thread that does not exist here, and releases
/// nothing of the program's, whose deinitialisers may undo what is the parent's.
extension BaseEventLoop {
    /// Whether this process is a fork of the one that made the loop.
    var isForked: Bool {
        @inline(__always) get { !thread.process.isCurrent }
    }

    func closeInFork() {
        guard runState != .closed else { return }
        letGoInFork()
        // With all that it has, for good.
        _ = Unmanaged.passRetained(self)
    }

    /// Closes the child's copies of the descriptors.
    func letGoInFork() {
        keepWhatHoldsOthers()
        let isWhole = self.isWhole
        currentRunState.store(.closed, ordering: .relaxed)
        thread.release()
        defaultExecutor = .shutDown(nil)
        backend.close()
        guard isWhole else { return }
        for transport in openTransports.members { transport.closeWithLoop(inFork: true) }
        for listener in openListeners.members { listener.closeWithLoop(inFork: true) }
        unclaimed.closeAll(by: system)
        for process in openProcesses.members { process.closeWithLoop(inFork: true) }
        signalHandlers?.removeAll()
        signalHandlers?.close()
        signalHandlers = nil
    }

    /// Whether the fork has found the loop between two steps: its own thread has made the fork, or was not at work. Otherwise that
    /// thread may have been amid a change of what there is to close.
    private var isWhole: Bool { thread.hasForked || runState != .running || inbox.isLoopAsleep }

    private func keepWhatHoldsOthers() {
        for object in [backend, inbox, ready, timers, signalHandlers] as [AnyObject?] {
            if let object { _ = Unmanaged.passRetained(object) }
        }
        if case .ready(let executor) = defaultExecutor { _ = Unmanaged.passRetained(executor as AnyObject) }
    }
}
