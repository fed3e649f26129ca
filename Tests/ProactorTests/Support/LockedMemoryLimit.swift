import Glibc
import SystemPackage

@testable import Proactor

/// The limit on locked memory, for the process of an exit test: all of a user's processes share what it allows.
enum LockedMemoryLimit {
    /// Whether this process can become another user, and whether rings count there.
    static let canBeTested = geteuid() == 0 && RingEnvironment.current().countsRings

    /// Whether a ring that the limit has no room for is refused: 7.3 makes it all the same.
    static let isKept = !KernelRelease.isAtLeast(7, 3)

    /// Makes this process one of a user who has no other, who is not privileged, and who may lock so many bytes.
    static func becomeUser(mayLock bytes: UInt) throws {
        // No other process that is likely to lock memory has this number, which a container has too.
        let user = uid_t(20_000 + getpid() % 40_000)
        try set(bytes)
        try SocketPair.check(setuid(user))
    }

    /// Lowers the limit further.
    static func set(_ bytes: UInt) throws {
        var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
        try SocketPair.check(setrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit))
    }
}
