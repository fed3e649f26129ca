import Glibc
import SystemPackage

/// What a process can find out about why it was refused a ring.
struct RingEnvironment {
    /// What `uname` says, such as `6.1.0-18-amd64`.
    var release: String
    /// The sysctl `kernel.io_uring_disabled`; `nil` where it does not exist.
    var disabledSetting: Int?
    /// Whether the process is of the group that the sysctl `kernel.io_uring_group` lets have rings where the other is 1.
    var isInRingGroup = false
    /// The `Seccomp` line of `/proc/thread-self/status`; 2 is a filter.
    var seccompMode: Int?
    /// Whether the kernel counts the process as privileged: by `CAP_SYS_ADMIN`, whoever its user is.
    var isPrivileged: Bool
    /// `RLIMIT_MEMLOCK` in bytes; `nil` when it does not bind this process.
    var lockedMemoryLimit: UInt64?

    /// What the failure of `call` means.
    func classify(_ errno: Errno, call: String) -> RingUnavailable {
        switch errno {
        case .noFunction:
            // Some container runtimes hide the call instead of forbidding it.
            return hasNewEnoughKernel && seccompMode == 2
                ? .forbiddenBySeccomp(errno) : .kernelTooOld(release: release)
        case .notPermitted:
            let isExempt = disabledSetting == 1 && (isPrivileged || isInRingGroup)
            if let disabledSetting, disabledSetting > 0, !isExempt {
                return .disabledBySysctl(value: disabledSetting)
            }
            return seccompMode == 2 ? .forbiddenBySeccomp(errno) : .notPermitted(errno)
        case .permissionDenied:
            return .notPermitted(errno)
        case .noMemory:
            // The kernel says the same of both.
            guard countsRings, let lockedMemoryLimit else { return .memoryExhausted(call: call) }
            return .lockedMemoryExhausted(limit: lockedMemoryLimit)
        case .tooManyOpenFiles, .tooManyOpenFilesInSystem:
            return .descriptorsExhausted(errno)
        case .invalidArgument:
            return hasNewEnoughKernel
                ? .invalidConfiguration("\(call) refused it") : .kernelTooOld(release: release)
        default:
            return .failed(errno, call: call)
        }
    }

    private var hasNewEnoughKernel: Bool { isKernel(atLeast: (6, 1)) }

    /// Whether rings count against the limit on locked memory. Before 5.12 they did too, but those kernels are too old anyway.
    var countsRings: Bool { isKernel(atLeast: (6, 14)) }

    private func isKernel(atLeast version: (Int, Int)) -> Bool {
        let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        guard numbers.count == 2 else { return false }
        return (numbers[0], numbers[1]) >= version
    }
}

extension RingEnvironment {
    /// This thread's: filters and capabilities are a thread's, and the process's first may have ended.
    ///
    /// - Parameter read: the start of a file; empty when it cannot be read, as where /proc is not mounted.
    static func current(read: (_ path: String) -> String = text(ofFileAt:)) -> RingEnvironment {
        let status = ThreadStatus(text: read("/proc/thread-self/status"))
        // In a user namespace of its own a process has every capability and any group, and the kernel asks for them in the
        // first one, where it has none.
        let users = read("/proc/thread-self/uid_map").split(whereSeparator: \.isWhitespace)
        let isInFirstNamespace = users == ["0", "0", "4294967295"]
        let capabilities = isInFirstNamespace ? status.capabilities : []
        return RingEnvironment(
            release: kernelRelease(),
            disabledSetting: number(in: read("/proc/sys/kernel/io_uring_disabled")),
            isInRingGroup: isInFirstNamespace
                && status.isInGroup(number(in: read("/proc/sys/kernel/io_uring_group")) ?? -1),
            seccompMode: status.seccompMode,
            isPrivileged: capabilities.contains(.systemAdministration),
            lockedMemoryLimit: capabilities.contains(.memoryLocking) ? nil : lockedMemoryLimit()
        )
    }

    /// `nil` when there is none.
    private static func lockedMemoryLimit() -> UInt64? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit) == 0 else { return nil }
        return limit.rlim_cur == .max ? nil : UInt64(limit.rlim_cur)
    }

    private static func kernelRelease() -> String {
        var name = utsname()
        guard uname(&name) == 0 else { return "unknown" }
        return withUnsafeBytes(of: &name.release) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// What a sysctl's file says.
    private static func number(in text: String) -> Int? {
        text.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) }
    }

    private static func text(ofFileAt path: String) -> String {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return "" }
        defer { try? file.close() }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = bytes.withUnsafeMutableBytes { (try? file.read(into: $0)) ?? 0 }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

/// What `/proc/thread-self/status` says.
private struct ThreadStatus {
    private let lines: [Substring]

    init(text: String) {
        lines = text.split(separator: "\n")
    }

    var seccompMode: Int? { values("Seccomp").first.flatMap { Int($0) } }

    /// Those in effect; none where nothing is known.
    var capabilities: Capabilities {
        Capabilities(rawValue: values("CapEff").first.flatMap { UInt64($0, radix: 16) } ?? 0)
    }

    /// Whether a group is the one that the thread acts as, the last of four, or one of those that it has besides.
    func isInGroup(_ number: Int) -> Bool {
        (values("Gid").suffix(1) + values("Groups")).contains { Int($0) == number }
    }

    private func values(_ name: String) -> [Substring] {
        guard let line = lines.first(where: { $0.hasPrefix(name + ":") }) else { return [] }
        return Array(line.split(whereSeparator: \.isWhitespace).dropFirst())
    }

    /// By their numbers in `linux/capability.h`.
    struct Capabilities: OptionSet {
        let rawValue: UInt64

        /// `CAP_IPC_LOCK`
        static let memoryLocking = Capabilities(rawValue: 1 << 14)
        /// `CAP_SYS_ADMIN`
        static let systemAdministration = Capabilities(rawValue: 1 << 21)
    }
}
