import Glibc
import SystemPackage

/// What a process can find out about why it was refused a ring.
struct RingEnvironment {
    /// What `uname` says, such as `6.1.0-18-amd64`.
    var release: String
    /// The sysctl `kernel.io_uring_disabled`; `nil` where it does not exist.
    var disabledSetting: Int?
    /// The `Seccomp` line of `/proc/thread-self/status`; 2 is a filter.
    var seccompMode: Int?
    /// Whether the process is root.
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
            if let disabledSetting, disabledSetting >= 2 || (disabledSetting == 1 && !isPrivileged) {
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
    /// This process's.
    static func current() -> RingEnvironment {
        // The thread's own: filters and capabilities are a thread's, and the process's first may have ended.
        let status = text(ofFileAt: "/proc/thread-self/status").split(separator: "\n")
        func value(_ name: String) -> Substring? {
            status.first { $0.hasPrefix(name + ":") }?.split(whereSeparator: \.isWhitespace).last
        }
        return RingEnvironment(
            release: kernelRelease(),
            disabledSetting: Int(text(ofFileAt: "/proc/sys/kernel/io_uring_disabled").filter(\.isNumber)),
            seccompMode: value("Seccomp").flatMap { Int($0) },
            isPrivileged: geteuid() == 0,
            lockedMemoryLimit: lockedMemoryLimit(
                capabilities: value("CapEff").flatMap { UInt64($0, radix: 16) }
            )
        )
    }

    /// `nil` when there is none, or when a capability frees this process of it.
    private static func lockedMemoryLimit(capabilities: UInt64?) -> UInt64? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit) == 0 else { return nil }
        if limit.rlim_cur == .max { return nil }
        // In a user namespace of its own a process has every capability, and the kernel heeds none of them here.
        let isInFirstNamespace =
            text(ofFileAt: "/proc/self/uid_map").split(whereSeparator: \.isWhitespace)
            == ["0", "0", "4294967295"]
        let mayLockMemory = (capabilities ?? 0) >> capIPCLock & 1 == 1
        return mayLockMemory && isInFirstNamespace ? nil : UInt64(limit.rlim_cur)
    }

    /// The number of `CAP_IPC_LOCK`.
    private static let capIPCLock = 14

    private static func kernelRelease() -> String {
        var name = utsname()
        guard uname(&name) == 0 else { return "unknown" }
        return withUnsafeBytes(of: &name.release) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// The start of a small file; empty when it cannot be read, as where /proc is not mounted.
    private static func text(ofFileAt path: String) -> String {
        guard let file = try? FileDescriptor.open(path, .readOnly) else { return "" }
        defer { try? file.close() }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = bytes.withUnsafeMutableBytes { (try? file.read(into: $0)) ?? 0 }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
