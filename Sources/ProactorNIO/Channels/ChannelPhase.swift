#if NIO
    /// How far the life of a channel has come.
    ///
    /// ```
    ///           register           bound, connected        active was fired       flushed bytes wait
    ///   fresh ───────────▶ registered ───────────▶ activating ───────────▶ active ───────────▶ closing ──▶ closed
    ///     │                    │                       │                     │                             ▲
    ///     └────────────────────┴───────────────────────┴─────────────────────┴─────────────────────────────┘
    ///                                  close with nothing to send, or a loss
    /// ```
    /// A channel is active in `activating` and `active`. In `closing` it takes and delivers nothing any more; its handlers hear that it
    /// is inactive when it is `closed`.
    enum ChannelPhase {
        case fresh
        case registered
        case activating
        case active
        case closing
        case closed

        /// Whether there is a step from this phase to `next`.
        func leads(to next: ChannelPhase) -> Bool {
            switch next {
            case .fresh: false
            case .registered: self == .fresh
            case .activating: self == .registered
            case .active: self == .activating
            case .closing: self == .activating || self == .active
            case .closed: self != .closed
            }
        }

        var isActive: Bool { self == .activating || self == .active }
        /// Whether it takes calls.
        var isOpen: Bool { self != .closing && self != .closed }
    }
#endif
