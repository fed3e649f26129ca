/// How often a loop's operations brought something or ended, by what they do: a part of ``LoopMetrics``.
///
/// They count what transports, servers, files and tasks were told, not what a kernel was asked, so they are the same on every loop but
/// for how a stream's bytes are cut into pieces.
///
/// ```swift
/// loop.isMeasured = true
/// // later:
/// if let counts = loop.metrics?.completions { print("\(counts.accepts) connections, \(counts.receives) receives") }
/// ```
public struct CompletionCounts: Hashable, Sendable {
    /// Connections that servers and `sockAccept` got, and failures to get one.
    public internal(set) var accepts = 0
    /// Connections that were made, or refused.
    public internal(set) var connects = 0
    /// Pieces of streams received from sockets, their ends, and messages that `sock` calls received.
    public internal(set) var receives = 0
    /// Sends to sockets that were over; what goes out at once, within a call, is none.
    public internal(set) var sends = 0
    /// Datagrams that endpoints received.
    public internal(set) var datagrams = 0
    /// Pieces read from pipes, and their ends.
    public internal(set) var pipeReads = 0
    /// Writes to pipes that were over.
    public internal(set) var pipeWrites = 0
    /// Descriptors that were ready: calls of readers and writers, and what waited for room, for a hang-up or a child's descriptor.
    public internal(set) var readiness = 0
    /// Calls for files that were over: opening, reading, writing, synchronising, sending.
    public internal(set) var files = 0
    /// Children whose end the kernel told by itself. Where it does not, that is readiness.
    public internal(set) var children = 0
    /// Sockets and pipes that were closed.
    public internal(set) var closes = 0

    /// No completions yet.
    public init() {}

    /// All of them.
    public var total: Int {
        accepts + connects + receives + sends + datagrams + pipeReads + pipeWrites + readiness + files
            + children + closes
    }
}

extension CompletionCounts {
    init(_ meter: TurnMeter) {
        func sum(_ kinds: OperationKind...) -> Int { kinds.reduce(0) { $0 + meter.completionCount(of: $1) } }
        accepts = sum(.accept, .acceptOnce)
        connects = sum(.connect)
        receives = sum(.receive, .receiveOnce, .receiveInto, .receiveMessage)
        sends = sum(.send, .sendNow, .sendMessage, .sendMessageNow)
        datagrams = sum(.receiveDatagrams)
        pipeReads = sum(.pipeRead, .pipeReadInto)
        pipeWrites = sum(.pipeWrite, .pipeWriteVector)
        readiness = sum(.waitUntilReadable, .waitUntilWritable, .waitForHangUp, .watch)
        files = sum(
            .closeFile,
            .openFile,
            .readFile,
            .writeFile,
            .synchronizeFile,
            .fileStatus,
            .sendFile
        )
        children = sum(.waitForChild)
        closes = sum(.close)
    }
}
