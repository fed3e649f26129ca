/// How far the peer's end of stream has come.
enum EndOfStream: UInt8 {
    case notSeen
    /// It came while reading was paused, and waits for that to end.
    case heldBack
    /// The protocol knows; nothing more is received.
    case delivered
}
