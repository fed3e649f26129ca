import CPosix

/// Tells a process from its fork.
enum ForkGuard {
    static var currentProcess: Int32 { cposix_process_id() }

    static func isSameProcess(as process: Int32) -> Bool { process == currentProcess }
}
