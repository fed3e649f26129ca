/// What a loop needs of a transport, whatever it moves bytes over: a turn to submit what it wants, and an end.
class LoopTransport: CompletionOwner, CustomStringConvertible {
    let loop: BaseEventLoop
    /// The server that accepted it, until the connection is lost.
    final var server: Server?
    /// Its place in the loop's registry.
    var registryIndex: Int32 = -1
    // Exclusivity: a transport belongs to the loop's thread; a checked access would cost more than the work it guards.
    /// Whether it asked for a flush since the last one.
    @exclusivity(unchecked) final var isInFlushList = false

    init(loop: BaseEventLoop, server: Server? = nil) {
        self.loop = loop
        self.server = server
    }

    /// Brings what is in flight in line with the state. Called by the loop, at the end of a turn. Returns whether the
    /// transport is closed now, and the loop can let go of it.
    func flush() -> Bool {
        preconditionFailure("a transport must flush what it asked a flush for")
    }

    /// For a loop that closes with this transport still open: the operations are gone, only the descriptor is left.
    func closeWithLoop() {
        preconditionFailure("a transport must let go of its descriptor")
    }

    /// Ends at once and drops what was not sent.
    func abort() {
        preconditionFailure("a transport must have an end")
    }

    var description: String { "transport" }
}
