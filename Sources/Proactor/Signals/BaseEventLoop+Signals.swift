extension BaseEventLoop {
    public func addSignalHandler(_ signal: Signal, _ callback: @escaping () throws -> Void) throws {
        try checkUsable("addSignalHandler")
        let handlers: SignalHandlers
        if let signalHandlers {
            handlers = signalHandlers
        } else {
            do {
                handlers = SignalHandlers(loop: self, watch: try backend.system.processes.makeSignalWatch())
            } catch { throw SignalError.failed(signal, error) }
            signalHandlers = handlers
        }
        try handlers.add(signal, callback)
    }

    @discardableResult
    public func removeSignalHandler(_ signal: Signal) throws(EventLoopError) -> Bool {
        try checkCanLetGo("removeSignalHandler")
        return signalHandlers?.remove(signal) ?? false
    }
}
