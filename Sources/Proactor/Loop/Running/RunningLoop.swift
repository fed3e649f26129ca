import CPosix

/// The loop that runs on this thread: in callbacks and tasks, the one that runs them.
///
/// ```swift
/// try getRunningLoop().callSoon { print("next turn") }
/// ```
///
/// - Throws: ``EventLoopError/noRunningLoop``.
public func getRunningLoop() throws(EventLoopError) -> any AbstractEventLoop {
    guard let loop = runningLoop() else { throw .noRunningLoop }
    return loop
}

/// The loop that runs on this thread, if one does.
func runningLoop() -> BaseEventLoop? {
    guard let pointer = cposix_get_running_loop() else { return nil }
    // The loop sets the pointer when it begins to run and clears it when it ends, and is held meanwhile.
    return Unmanaged<BaseEventLoop>.fromOpaque(pointer).takeUnretainedValue()
}

/// The loop that runs on this thread; without one, the loop that the policy names for it.
///
/// - Throws: what the policy throws: ``EventLoopError/noCurrentLoop`` by default.
public func getEventLoop() throws(EventLoopError) -> any AbstractEventLoop {
    if let loop = runningLoop() { return loop }
    return try getEventLoopPolicy().getEventLoop()
}

/// Makes `loop` the one that ``getEventLoop()`` returns on this thread; `nil` forgets it.
public func setEventLoop(_ loop: (any AbstractEventLoop)?) {
    getEventLoopPolicy().setEventLoop(loop)
}

/// A new loop of the policy's choice. It does not become the thread's current one.
///
/// - Throws: what makes a loop impossible.
public func newEventLoop() throws -> any AbstractEventLoop {
    if let place = SimulatedPlace.current { return try place.makeLoop() }
    return try getEventLoopPolicy().newEventLoop()
}
