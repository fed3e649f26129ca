/// What a protocol makes of its server's wish to stop: see ``ConnectionProtocol/shutdownRequested()``.
///
/// ```swift
/// func shutdownRequested() -> ShutdownAnswer {
///     isAnswering ? .whenDone : .close
/// }
/// ```
public enum ShutdownAnswer: Hashable, Sendable {
    /// Nothing is under way: the transport closes, once what was written is sent.
    case close
    /// Something is under way: the protocol closes the transport itself when that is done, or the deadline ends it.
    case whenDone
    /// The protocol does not know. A connection on which no byte has moved yet is closed; any other stays until either
    /// side ends it, or the deadline does.
    case undecided
}
