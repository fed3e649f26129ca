/// What every protocol hears from its transport. All of it is called on the loop's thread.
///
/// A loop's thread is no actor's, so a protocol's conformance cannot be isolated to one. As a `SendableMetatype` it is
/// `nonisolated` also in a module where code is the main actor's unless it says otherwise.
public protocol BaseProtocol: AnyObject, SendableMetatype {
    /// The connection is over: the last call, and exactly one. `nil` is a clean end: closed, aborted, or the peer's end of
    /// stream.
    func connectionLost(_ error: (any Error)?)
    /// The write buffer went above its high-water mark: stop writing if you can.
    func pauseWriting()
    /// The write buffer is at or below its low-water mark again.
    func resumeWriting()
}

extension BaseProtocol {
    public func connectionLost(_ error: (any Error)?) {}
    public func pauseWriting() {}
    public func resumeWriting() {}
}
