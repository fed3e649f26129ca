/// How far this side's end of stream has come.
enum WriteEnd: UInt8 {
    case open
    /// `writeEOF` was called, and what was written before is still to be sent.
    case requested
    /// The kernel was told.
    case sent
}
