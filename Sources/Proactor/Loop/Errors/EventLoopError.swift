/// What a loop, a future or a transport refuses, and why.
///
/// ```swift
/// do {
///     try loop.callSoon { print("never printed") }
/// } catch .closed {
///     print("the loop is closed")
/// }
/// ```
public enum EventLoopError: Error, Hashable, Sendable {
    /// The loop was closed: it takes no more work. Make a new one.
    case closed
    /// The loop runs already; `call` cannot be nested in it.
    case alreadyRunning(call: String)
    /// Another loop runs on this thread, and a thread runs one at a time.
    case anotherLoopIsRunning
    /// No loop runs on this thread.
    case noRunningLoop
    /// No loop runs on this thread, and none was set as its current one.
    case noCurrentLoop
    /// The loop was stopped before what `runUntilComplete` waits for was done.
    case stoppedBeforeCompletion
    /// The loop belongs to the thread that ran it first, and `call` came from another.
    case wrongThread(call: String)
    /// The loop was made before a fork, and this is the child: it cannot share its parent's loop and needs a new one.
    case usedAfterFork
    /// The ring refused to start on the loop's thread.
    case ringUnavailable(RingUnavailable)
    /// A future or transport is not in a state that allows the call.
    case invalidState(String)
    /// Arguments that contradict each other or mean nothing.
    case invalidArgument(String)
}

extension EventLoopError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .closed: "the event loop is closed"
        case .alreadyRunning(let call): "\(call) was called while the event loop is running"
        case .anotherLoopIsRunning: "another event loop is running on this thread"
        case .noRunningLoop:
            "no event loop is running on this thread; start the program by run {}, and tasks by the loop's createTask: "
                + "Task {} leaves the loop"
        case .noCurrentLoop: "no event loop is running on this thread, and setEventLoop has not set one"
        case .stoppedBeforeCompletion: "the event loop was stopped before the awaited work was done"
        case .wrongThread(let call): "\(call) was called from a thread that is not the event loop's"
        case .usedAfterFork: "the event loop was made before fork(); the child needs a new one"
        case .ringUnavailable(let reason): "the ring could not start: \(reason)"
        case .invalidState(let reason): reason
        case .invalidArgument(let reason): reason
        }
    }
}
