/// How far a ``TLSTransport`` has come.
enum TLSPhase {
    /// The two agree on keys. Nothing of the protocol's goes in either direction.
    case handshaking
    /// It serves its protocol.
    case open
    /// This side has closed it, and what was written is still to be sealed.
    case closing
    /// All is sealed, close_notify too. The peer's is waited for.
    case shuttingDown
    /// The transport below was told to close, or to abort.
    case ending
    /// The transport below is lost, and the protocol knows.
    case ended

    /// Whether there is a step from this phase to `next`.
    func leads(to next: TLSPhase) -> Bool {
        switch next {
        case .handshaking: false
        case .open: self == .handshaking
        case .closing: self == .open
        case .shuttingDown: self == .closing
        case .ending: isBeforeEnding
        // From any phase when the transport below is lost.
        case .ended: self != .ended
        }
    }

    /// Whether records of the peer still matter.
    var isBeforeEnding: Bool {
        switch self {
        case .handshaking, .open, .closing, .shuttingDown: true
        case .ending, .ended: false
        }
    }
}

/// What the peer has said of its end.
enum TLSPeerEnd {
    case notYet
    /// By its close_notify.
    case closeNotify
    /// By nothing: the stream below is at its end.
    case truncated
}
