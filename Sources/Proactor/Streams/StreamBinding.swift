import CPosix

/// Which loop a stream belongs to: its transport's, or the one whose code first waits for it. It stays so also when that loop is
/// closed, since nothing can come by it any more.
struct StreamBinding {
    private(set) var loop: BaseEventLoop?

    /// Takes the loop of a transport.
    mutating func bind(to transport: any BaseTransport) {
        loop = (transport as? LoopTransport)?.loop ?? loop ?? runningLoop()
    }

    /// The loop, which runs on this thread.
    ///
    /// Ends the program when the stream belongs to another thread's loop. Throws ``EventLoopError/closed`` when its loop is
    /// closed, and ``EventLoopError/noRunningLoop`` where none runs: there is nobody to wait on.
    @inline(__always)
    mutating func use(_ call: StaticString) throws(EventLoopError) -> BaseEventLoop {
        guard let loop, cposix_get_running_loop() == Unmanaged.passUnretained(loop).toOpaque() else {
            return try useElsewhere(call)
        }
        return loop
    }

    /// Ends the program when the stream belongs to another thread's loop.
    @inline(__always)
    func check(_ call: StaticString) {
        guard let loop, cposix_get_running_loop() != Unmanaged.passUnretained(loop).toOpaque() else { return }
        if !loop.isClosed { loop.checkThread(call) }
    }

    @inline(never)
    private mutating func useElsewhere(_ call: StaticString) throws(EventLoopError) -> BaseEventLoop {
        try loop?.checkUsable(call)
        guard let running = runningLoop() else { throw .noRunningLoop }
        if let loop, loop !== running {
            throw .invalidState("\(call) was called in another event loop than the stream's")
        }
        loop = running
        return running
    }
}
