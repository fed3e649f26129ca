/// Where a future is in its life. It leaves `pending` once, and for good.
enum FuturePhase: UInt8 {
    case pending
    case succeeded
    case failed
    case cancelled
}
