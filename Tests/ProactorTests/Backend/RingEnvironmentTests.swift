import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Proactor

/// Telling apart why a ring was refused.
@Suite struct RingEnvironmentTests {
    private let modern = RingEnvironment(
        release: "6.14.0-amd64",
        disabledSetting: 0,
        seccompMode: 0,
        isPrivileged: false,
        lockedMemoryLimit: 65536
    )

    private func environment(_ change: (inout RingEnvironment) -> Void) -> RingEnvironment {
        var changed = modern
        change(&changed)
        return changed
    }

    // Pitfall 12
    @Test func anOldOrAbsentRingIsTheKernels() {
        for release in ["5.10.0-8-amd64", "6.0.19", "4.4.0", "6"] {
            let old = environment { $0.release = release }
            #expect(old.classify(.noFunction, call: "c") == .kernelTooOld(release: release))
            #expect(old.classify(.invalidArgument, call: "c") == .kernelTooOld(release: release))
        }
        #expect(modern.classify(.noFunction, call: "c") == .kernelTooOld(release: modern.release))
    }

    // Pitfall 12
    @Test func aFilterIsToldFromASysctl() {
        let filtered = environment { $0.seccompMode = 2 }
        #expect(filtered.classify(.notPermitted, call: "c") == .forbiddenBySeccomp(.notPermitted))
        #expect(filtered.classify(.noFunction, call: "c") == .forbiddenBySeccomp(.noFunction))
        let disabled = environment {
            $0.seccompMode = 2
            $0.disabledSetting = 2
        }
        #expect(disabled.classify(.notPermitted, call: "c") == .disabledBySysctl(value: 2))
        let restricted = environment { $0.disabledSetting = 1 }
        #expect(restricted.classify(.notPermitted, call: "c") == .disabledBySysctl(value: 1))
        for change in [\RingEnvironment.isPrivileged, \.isInRingGroup] {
            let exempt = environment {
                $0.disabledSetting = 1
                $0[keyPath: change] = true
            }
            #expect(exempt.classify(.notPermitted, call: "c") == .notPermitted(.notPermitted))
            let forbidden = environment {
                $0.disabledSetting = 2
                $0[keyPath: change] = true
            }
            #expect(forbidden.classify(.notPermitted, call: "c") == .disabledBySysctl(value: 2))
        }
        let ancient = environment { $0.disabledSetting = nil }
        #expect(ancient.classify(.notPermitted, call: "c") == .notPermitted(.notPermitted))
        #expect(modern.classify(.permissionDenied, call: "c") == .notPermitted(.permissionDenied))
    }

    // Pitfall 12
    @Test func whatToDoAboutASysctlDependsOnItsValue() {
        let restricted = RingUnavailable.disabledBySysctl(value: 1).description
        #expect(restricted.contains("CAP_SYS_ADMIN") && restricted.contains("kernel.io_uring_group"))
        // No capability helps.
        let disabled = RingUnavailable.disabledBySysctl(value: 2).description
        #expect(!disabled.contains("CAP_SYS_ADMIN") && disabled.contains("kernel.io_uring_group"))
    }

    /// What /proc says of a process, by its files' paths.
    private func read(
        capabilities: String,
        gid: String = "0 0 0 0",
        groups: String = "",
        group: String = "-1",
        namespace: String = "0 0 4294967295"
    ) -> RingEnvironment {
        let status = """
            Name:\ttest
            Uid:\t0\t0\t0\t0
            Gid:\t\(gid.replacing(" ", with: "\t"))
            Groups:\t\(groups)
            CapPrm:\t000001ffffffffff
            CapEff:\t\(capabilities)
            Seccomp:\t0
            Seccomp_filters:\t0
            """
        let files = [
            "/proc/thread-self/status": status,
            "/proc/thread-self/uid_map": "         \(namespace)\n",
            "/proc/sys/kernel/io_uring_disabled": "1\n",
            "/proc/sys/kernel/io_uring_group": "\(group)\n",
        ]
        return RingEnvironment.current { files[$0] ?? "" }
    }

    // Pitfall 12
    /// As the kernel does, and whoever the user is: the root of a container has some of its capabilities only.
    @Test func aCapabilityIsWhatMakesAProcessPrivileged() {
        // All; a container's usual ones; none.
        let (all, usual, none) = ("000001ffffffffff", "00000000a80425fb", "0000000000000000")
        #expect(read(capabilities: all).isPrivileged)
        #expect(!read(capabilities: usual).isPrivileged)
        #expect(!read(capabilities: none).isPrivileged)
        #expect(read(capabilities: "0000000000200000").isPrivileged)
        #expect(!read(capabilities: "ffffffffffdfffff").isPrivileged)
        // All that a namespace of its own has to give.
        #expect(!read(capabilities: all, namespace: "0 1000 1").isPrivileged)
        let isExempt = read(capabilities: "0000000000004000").lockedMemoryLimit == nil
        #expect(isExempt, "CAP_IPC_LOCK")
        let usualEnvironment = read(capabilities: usual)
        #expect(usualEnvironment.classify(.notPermitted, call: "c") == .disabledBySysctl(value: 1))
    }

    // Pitfall 12
    @Test func aGroupMayHaveRings() {
        let none = "0000000000000000"
        #expect(!read(capabilities: none, groups: "4 27").isInRingGroup)
        #expect(!read(capabilities: none, gid: "1 1 1 1", groups: "4 27", group: "7").isInRingGroup)
        #expect(read(capabilities: none, gid: "1 1 1 1", groups: "4 27", group: "27").isInRingGroup)
        #expect(read(capabilities: none, gid: "1 1 1 7", group: "7").isInRingGroup)
        #expect(!read(capabilities: none, gid: "7 7 7 1", group: "7").isInRingGroup, "not the one it acts as")
        #expect(read(capabilities: none, group: "0").isInRingGroup)
        #expect(!read(capabilities: none, group: "0", namespace: "0 1000 1").isInRingGroup)
        #expect(!RingEnvironment.current { _ in "" }.isInRingGroup)
    }

    // Pitfall 11
    // Pitfall 12
    @Test func exhaustionIsNoReasonToFallBack() {
        let failures: [RingUnavailable] = [
            modern.classify(.tooManyOpenFiles, call: "c"),
            modern.classify(.tooManyOpenFilesInSystem, call: "c"),
            modern.classify(.invalidArgument, call: "c"),
            modern.classify(.badAddress, call: "io_uring_setup"),
        ]
        #expect(
            failures == [
                .descriptorsExhausted(.tooManyOpenFiles), .descriptorsExhausted(.tooManyOpenFilesInSystem),
                .invalidConfiguration("c refused it"), .failed(.badAddress, call: "io_uring_setup"),
            ]
        )
        #expect(failures.allSatisfy { !$0.permitsFallback })
    }

    // Pitfall 11
    // Pitfall 12
    @Test func theLimitOnLockedMemoryIsAReason() {
        let failure = modern.classify(.noMemory, call: "c")
        #expect(failure == .lockedMemoryExhausted(limit: 65536))
        #expect(failure.permitsFallback)
        #expect(failure.description.contains("ulimit -l"))
    }

    // Pitfall 12
    /// The numbers of io_uring_setup, io_uring_enter and io_uring_register.
    @Test(.exitTest, .needsRing, arguments: [425, 426, 427] as [UInt32], [EPERM, ENOSYS])
    func aFilterOfAnyOfItsCallsLeadsToASelector(_ number: UInt32, _ errno: Int32) async {
        await #expect(processExitsWith: .success) { [number, errno] in
            try refuseCall(number, errno)
            let loop = try EventLoop()
            let reason = RingUnavailable.forbiddenBySeccomp(Errno(rawValue: errno))
            #expect(loop.choice == .selector(.epoll, reason: reason))
            #expect(throws: reason) { try ProactorEventLoop() }
            loop.stop()
            try loop.runForever()
            try loop.close()
        }
    }

    // Pitfall 11
    // Pitfall 12
    /// Where no limit binds, or, before 6.14, where the kernel does not count rings.
    @Test func aLimitIsToldFromMemoryThatIsUsedUp() {
        let unlimited = environment { $0.lockedMemoryLimit = nil }
        let older = ["6.1.0-18-amd64", "6.12.3", "6.13.9"].map { release in
            environment { $0.release = release }
        }
        for environment in [unlimited] + older {
            let failure = environment.classify(.noMemory, call: "c")
            #expect(failure == .memoryExhausted(call: "c"))
            #expect(!failure.permitsFallback)
            #expect(failure.description.contains("ulimit -v"))
        }
    }

    // Pitfall 11
    @Test(.needsRing) func buffersWithoutMemoryAreNoMatterOfTheLimit() throws {
        var configuration = RingConfiguration()
        configuration.incrementalBuffers = false
        configuration.bufferCount = 32_768
        configuration.bufferSize = 1 << 30
        #expect {
            try UringBackend(configuration: configuration)
        } throws: { error in
            guard case .memoryExhausted = error as? RingUnavailable else { return false }
            return true
        }
    }

    @Test func thisMachineIsRead() {
        let current = RingEnvironment.current()
        #expect(current.release.contains("."))
        #expect(current.lockedMemoryLimit != 0)
        #expect(current.seccompMode != nil)
    }
}
