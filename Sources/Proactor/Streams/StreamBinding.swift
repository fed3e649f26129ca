import CPosix

/// Which loop a stream belongs to: its transport's, or the one whose code first waits for it. It stays so also when that loop is
/// closed, since nothing can come by it any more.
struct StreamBinding {
    private(set) var loop: BaseEventLoop? {
        didSet { address = loop.map { Unmanaged.passUnretained($0).toOpaque() } }
    }
    /// The loop's, to be compared: `loop` holds it. To retain a loop costs more than all else that a read does.
    private var address: UnsafeMutableRawPointer?

    /// Takes the loop of a transport.
    mutating func bind(to transport: any BaseTransport) {
        loop =
            (transport as? LoopTransport)?.loop ?? (transport as? TLSTransport)?.loop
            ?? (transport as? ChildProcess)?.loop ?? loop ?? runningLoop()
    }

    /// Whether the loop is known and runs on this thread.
    var isHere: Bool {
        @inline(__always) get { address != nil && cposix_get_running_loop() == address }
    }

    /// Sees to it that the loop is known, and runs on this thread.
    ///
    /// Ends the program when the stream belongs to another thread's loop. Throws ``EventLoopError/closed`` when its loop is
    /// closed, and ``EventLoopError/noRunningLoop`` where none runs: there is nobody to wait on.
    @inline(__always)
    mutating func use(_ call: StaticString) throws(EventLoopError) {
        if !isHere { try useElsewhere(call) }
    }

    /// Ends the program when the stream belongs to another thread's loop.
    // Mutating, so that it looks at the binding where it is: a copy retains the loop.
    @inline(__always)
    mutating func check(_ call: StaticString) {
        if !isHere { checkElsewhere(call) }
    }

    @inline(never)
    private func checkElsewhere(_ call: StaticString) {
        if let loop, !loop.isClosed { loop.checkThread(call) }
    }

    @inline(never)
    private mutating func useElsewhere(_ call: StaticString) throws(EventLoopError) {
        try loop?.checkUsable(call)
        guard let running = runningLoop() else { throw .noRunningLoop }
        if let loop, loop !== running {
            throw .invalidState("\(call) was called in another event loop than the stream's")
        }
        loop = running
    }
}
