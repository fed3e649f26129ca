import CPosix

/// The process that made something. A fork's child inherits the thing as it was that moment, but what it stands for in the kernel
/// is the parent's.
struct ProcessOfOrigin: Sendable {
    private let fork = cposix_current_fork()

    /// Whether this is it: false in a fork's child, and in whatever descends from that.
    var isCurrent: Bool {
        @inline(__always) get { cposix_current_fork() == fork }
    }

    /// Whether this is a child of it.
    var isParent: Bool { cposix_current_fork() == fork &+ 1 }

    /// Ends the program when this is a child that uses what is not its own.
    @inline(__always)
    func check() {
        if !isCurrent { Self.refuseUse() }
    }

    @inline(never)
    static func refuseUse() -> Never {
        // Not a precondition: those lose their message in a release build.
        fatalError("a loop was used in a fork of the process that made it: make a new one there")
    }
}
