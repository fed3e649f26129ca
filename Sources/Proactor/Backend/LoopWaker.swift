/// Ends a backend's wait from any thread.
package protocol LoopWaker: AnyObject, Sendable {
    /// Makes the current or next poll return. Harmless when the loop is awake; the caller sees to it that the backend is
    /// not closed meanwhile.
    func wake()
}
