/// A transport of the library's own, which another may stand on: one that makes of its user's bytes the bytes that this one sends.
///
/// ```
///   the program's protocol
///   a TransportFilter, such as TLS: a transport to the protocol, and the protocol of what is below
///   a LayeredTransport: a socket's or a pipe's, or another filter
/// ```
protocol LayeredTransport: Transport {
    var loop: BaseEventLoop { get }
    /// The server whose connection it is, until that is lost.
    var server: Server? { get }
    /// What stands on it. It is let go of when the connection is lost.
    var filter: (any TransportFilter)? { get set }
    /// Has the filter asked at the end of the turn for what is to be sent.
    func markUnflushed()
    /// Queues a copy of bytes, for the filter. It tells nobody to pause: the filter looks at ``unsentByteCount``.
    func append(_ bytes: UnsafeRawBufferPointer)
    /// Bytes that were written and that the kernel has not taken.
    var unsentByteCount: Int { get }
    /// Offers to the kernel what is queued, unless its share of the turn is used up.
    func offerGathered()
    /// Whether its protocol was told to pause.
    var isWritingPaused: Bool { get }
    /// Refuses to be stood on while something else goes on.
    func checkTakesFilter() throws
    /// Its server stops: the protocol says what becomes of the connection.
    func askToShutDown()
}

/// What stands on a ``LayeredTransport``.
protocol TransportFilter: AnyObject {
    /// Appends what is to leave with this turn. Called at each flush, before the transport looks at what it has.
    func fill()
    /// Whether that would have anything to do. Asked when bytes were sent.
    var wantsFill: Bool { get }
    /// The loop is closed: it lets go of everything, without a call to anybody.
    func loopIsClosed()
    /// The same as a transport.
    var asTransport: any LayeredTransport { get }
}

extension LayeredTransport {
    /// The one that the program's protocol has, which knows how to end the connection properly.
    var outermost: any LayeredTransport { filter?.asTransport.outermost ?? self }
}

extension StreamSocketTransport {
    func append(_ bytes: UnsafeRawBufferPointer) {
        guard phase == .open else { return }
        isUsed = true
        writes.append(bytes, pool: loop.buffers)
        markUnflushed()
    }

    var isWritingPaused: Bool { flow.isPaused }

    func checkTakesFilter() throws {
        guard fileSending == nil else { throw SendFileError.inProgress }
        guard filter == nil else {
            throw EventLoopError.invalidState(
                "\(self) has TLS already: start TLS on the transport that you got then"
            )
        }
        guard phase == .open, writeEnd == .open, endOfStream != .delivered else {
            throw EventLoopError.invalidState("\(self) is closing or at its end, and cannot start TLS")
        }
    }
}
