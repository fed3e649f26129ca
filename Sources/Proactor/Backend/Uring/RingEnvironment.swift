import Glibc
import SystemPackage

/// What a process can find out about why it was refused a ring.
struct RingEnvironment {
    /// What `uname` says, such as `6.1.0-18-amd64`.
    var release: String
    /// The sysctl `kernel.io_uring_disabled`; `nil` where it does not exist.
    var disabledSetting: Int?
    /// The `Seccomp` line of `/proc/self/status`; 2 is a filter.
    var seccompMode: Int?
    /// Whether the process is root.
    var isPrivileged: Bool
    /// `RLIMIT_MEMLOCK` in bytes.
    var lockedMemoryLimit: UInt64

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

    /// Whether `release` is 6.1 or newer.
    private var hasNewEnoughKernel: Bool {
        let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        guard numbers.count == 2 else { return false }
        return (numbers[0], numbers[1]) >= (6, 1)
    }
}

extension RingEnvironment {
    /// This process's.
    static func current() -> RingEnvironment {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit)
        let seccomp = text(ofFileAt: "/proc/self/status")
            .split(separator: "\n").first { $0.hasPrefix("Seccomp:") }?
            .split(whereSeparator: \.isWhitespace).last
        return RingEnvironment(
            release: kernelRelease(),
            disabledSetting: Int(text(ofFileAt: "/proc/sys/kernel/io_uring_disabled").filter(\.isNumber)),
            seccompMode: seccomp.flatMap { Int($0) },
            isPrivileged: geteuid() == 0,
            lockedMemoryLimit: UInt64(limit.rlim_cur)
        )
    }

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
