extension BaseEventLoop {
    public func addSignalHandler(_ signal: Signal, _ callback: @escaping () throws -> Void) throws {
        try checkUsable("addSignalHandler")
        try handlers(madeFor: signal).add(signal, callback)
    }

    @discardableResult
    public func removeSignalHandler(_ signal: Signal) throws(EventLoopError) -> Bool {
        try checkCanLetGo("removeSignalHandler")
        return signalHandlers?.remove(signal) ?? false
    }

    /// Has `end` hear of its signals from here on.
    func addEnd(_ end: SignalledEnd) throws(SignalError) {
        guard let first = end.signals.first else { return }
        try handlers(madeFor: first).add(end)
    }

    func removeEnd(_ end: SignalledEnd) {
        signalHandlers?.remove(end)
    }

    private func handlers(madeFor signal: Signal) throws(SignalError) -> SignalHandlers {
        if let signalHandlers { return signalHandlers }
        do {
            let handlers = SignalHandlers(loop: self, watch: try system.processes.makeSignalWatch())
            signalHandlers = handlers
            return handlers
        } catch { throw .failed(signal, error) }
    }
}
