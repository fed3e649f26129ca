import Dispatch

/// How long tests wait. Only what hangs, and fails thereby, comes to one of these ends: so each is many times what a
/// sanitizer on a slow and busy machine needs.
enum TestLimit {
    /// For one thing that a test waits for.
    static let wait = Duration.seconds(30)
    /// For a whole test on its thread. In the process of an exit test it counts from each ``onThread`` anew, as does that
    /// process's own limit, which is the longest.
    static let test = Duration.seconds(120)
    /// For a whole test in a task, whose every step may have to wait until the runtime's pool has begun all other tests.
    static let task = Duration.seconds(600)
    /// For a fork of an exit test.
    static let fork = Duration.seconds(60)

    /// Calls `body` on another thread when so long has passed.
    static func after(_ limit: Duration, _ body: @escaping @Sendable () -> Void) {
        DispatchQueue.global().asyncAfter(
            deadline: .now() + .seconds(Int(limit.components.seconds)),
            execute: body
        )
    }
}
