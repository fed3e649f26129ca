import SystemPackage

/// A loop's share of the process's signals. Any number of them may want the same signal.
package protocol SignalWatch: AnyObject {
    /// Readable while signals wait to be taken.
    var descriptor: FileDescriptor { get }
    /// Wants a signal. The first to do so in the process takes it over from its former disposition.
    func add(_ signal: Signal) throws(SignalError)
    /// Whether a signal that it wants asks the program to end: then the kernel ends it at the second of those, whatever the loop
    /// is busy with. The next one is a first one in any case.
    func setEnding(_ signal: Signal, _ ends: Bool)
    /// Wants it no longer. The last to do so in the process gives it back its former disposition.
    func remove(_ signal: Signal)
    /// The signals that came since the last time, each once.
    func take() -> [Signal]
    /// Removes every signal and closes the descriptor, on which no operation may be in flight. The last call.
    func close()
}
