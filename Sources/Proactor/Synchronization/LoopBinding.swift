import CPosix

/// Which loop an object belongs to that is made without one: the loop whose code uses it first.
struct LoopBinding {
    private var loop: BaseEventLoop?

    /// The loop that runs on this thread, which is the object's from here on.
    ///
    /// Ends the program when the object belongs to another thread's loop. Throws ``EventLoopError/noRunningLoop`` where no
    /// loop runs: there is nobody to wait on.
    @inline(__always)
    mutating func use(_ call: StaticString) throws(EventLoopError) -> BaseEventLoop {
        guard let loop, cposix_get_running_loop() == Unmanaged.passUnretained(loop).toOpaque() else {
            return try bind(call)
        }
        return loop
    }

    /// As ``use(_:)``, for a call that waits for nothing: an object that no loop has used yet may be set up without one.
    @inline(__always)
    mutating func check(_ call: StaticString) {
        guard let loop, cposix_get_running_loop() == Unmanaged.passUnretained(loop).toOpaque() else {
            return checkElsewhere(call)
        }
    }

    @inline(never)
    private mutating func bind(_ call: StaticString) throws(EventLoopError) -> BaseEventLoop {
        loop?.checkThread(call)
        guard let running = runningLoop() else { throw .noRunningLoop }
        // A loop that is closed leaves what waited for it behind, and nobody waits for anything any more.
        if let loop, loop !== running, !loop.isClosed {
            throw .invalidState(
                "\(call) was called in another event loop than the one that the object belongs to"
            )
        }
        loop = running
        return running
    }

    @inline(never)
    private mutating func checkElsewhere(_ call: StaticString) {
        if let loop { return loop.isClosed ? () : loop.checkThread(call) }
        loop = runningLoop()
    }
}
