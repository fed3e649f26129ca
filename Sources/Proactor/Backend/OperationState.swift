/// Where an operation is in its life.
///
/// ```
///            insert                 final completion
///   free ─────────────▶ inFlight ──────────────────────▶ free
///                        │  ▲  │                          ▲
///           no room, or  ▼  │  └──────▶ cancelling ───────┤ final completion, whatever it says
///           no buffer   parked ───────────────────────────┘ cancelled before the kernel had it
/// ```
enum OperationState: UInt8 {
    /// The slot holds no operation.
    case free
    /// The kernel, or a selector, has it.
    case inFlight
    /// It waits in the backend for room in the submission queue or for a buffer.
    case parked
    /// A cancel was asked for; the operation may still succeed, and lives until its final completion.
    case cancelling

    /// Whether the picture above has an arrow from this state to `next`.
    func allows(_ next: OperationState) -> Bool {
        switch (self, next) {
        case (.free, .inFlight), (.inFlight, .parked), (.inFlight, .cancelling), (.inFlight, .free),
            (.parked, .inFlight), (.parked, .free), (.cancelling, .free):
            true
        default:
            false
        }
    }
}
