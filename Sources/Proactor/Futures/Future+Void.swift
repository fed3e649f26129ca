extension Future where Value == Void {
    /// Ends the future.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` when it is done already.
    public func setResult() throws(EventLoopError) {
        try setResult(())
    }

    /// Ends the future, unless it is done already. Returns whether it did.
    @discardableResult
    public func trySetResult() -> Bool {
        trySetResult(())
    }
}
