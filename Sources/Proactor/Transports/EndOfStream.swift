/// How far the end of what the peer sends has come: its end of stream, or an error.
enum EndOfStream: UInt8 {
    case notSeen
    /// It came while reading was paused, and waits for that to end.
    case heldBack
    /// The protocol knows; nothing more is received.
    case delivered
}
