import Glibc
import Testing

extension Trait where Self == ConditionTrait {
    /// For tests of the ring itself: not where `PROACTOR_TEST_LOOPS` leaves the ring out.
    static var needsRing: Self {
        .enabled(if: LoopKind.allCases.contains(.ring), "PROACTOR_TEST_LOOPS leaves the ring out")
    }

    /// For tests that take memory away from the process: a sanitizer maps more of its own as the process goes on.
    static var needsNoSanitizer: Self {
        .enabled(
            if: (["__tsan_init", "__asan_init"] as [String]).allSatisfy { dlsym(nil, $0) == nil },
            "a sanitizer needs the memory"
        )
    }

    /// For tests of rings that grow beside the rings of other tests: not for a user who may lock the memory of a few only.
    static var needsLockedMemory: Self {
        .enabled(
            if: geteuid() == 0 || lockedMemoryLimit >= 1 << 20,
            "the user may not lock the memory of large rings (ulimit -l)"
        )
    }

    /// For tests over ::1, which some machines and most containers do not have.
    static var needsIPv6: Self {
        .enabled(if: DatagramFamily.allCases.contains(.ipv6), "this machine has no ::1")
    }
}

private let lockedMemoryLimit: rlim_t = {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit)
    return limit.rlim_cur
}()
