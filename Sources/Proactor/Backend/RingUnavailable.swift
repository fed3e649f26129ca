import SystemPackage

/// Why this process cannot have an io_uring.
///
/// ```swift
/// do {
///     let loop = try ProactorEventLoop()
///     defer { try? loop.close() }
/// } catch {
///     print(error.description)  // says what to change
/// }
/// ```
public enum RingUnavailable: Error, Hashable, Sendable {
    /// The kernel has no io_uring, or one older than 6.1; `release` is what `uname` says.
    case kernelTooOld(release: String)
    /// A seccomp filter refuses the call, as container runtimes do by default.
    case forbiddenBySeccomp(Errno)
    /// The sysctl `kernel.io_uring_disabled` forbids it: to all processes where `value`, its setting, is 2, and where it is 1 to
    /// those that have no `CAP_SYS_ADMIN` and are not of the group in `kernel.io_uring_group`.
    case disabledBySysctl(value: Int)
    /// Some other policy, such as a security module, refuses it.
    case notPermitted(Errno)
    /// The limit on locked memory (`RLIMIT_MEMLOCK`, in bytes), which all rings of a user share since Linux 6.14, leaves no
    /// room for the smallest ring.
    case lockedMemoryExhausted(limit: UInt64)
    /// There is no memory left: for the process (`RLIMIT_AS`), its control group or the machine; `call` names what was
    /// asked.
    case memoryExhausted(call: String)
    /// The process or the system has no descriptor left.
    case descriptorsExhausted(Errno)
    /// The configuration asks for what no ring can give.
    case invalidConfiguration(String)
    /// Anything else that the kernel said; `call` names what was asked.
    case failed(Errno, call: String)

    /// Whether a selector is a sound replacement: the machine does not offer rings, or no more of the locked memory that only
    /// rings take. A full table or exhausted memory would hit a selector as well, and must not be hidden.
    public var permitsFallback: Bool {
        switch self {
        case .kernelTooOld, .forbiddenBySeccomp, .disabledBySysctl, .notPermitted, .lockedMemoryExhausted:
            true
        case .memoryExhausted, .descriptorsExhausted, .invalidConfiguration, .failed:
            false
        }
    }
}

extension RingUnavailable: CustomStringConvertible {
    public var description: String {
        switch self {
        case .kernelTooOld(let release):
            "io_uring needs Linux 6.1 or newer, this is \(release): use a newer kernel or SelectorEventLoop"
        case .forbiddenBySeccomp(let errno):
            "a seccomp filter forbids io_uring (\(errno)): allow io_uring_setup, io_uring_enter and "
                + "io_uring_register in the container's profile, or use SelectorEventLoop"
        case .disabledBySysctl(let value):
            value == 1
                ? "the sysctl kernel.io_uring_disabled is 1: set it to 0, join the group that the sysctl "
                    + "kernel.io_uring_group names, run with CAP_SYS_ADMIN, or use SelectorEventLoop"
                : "the sysctl kernel.io_uring_disabled is \(value): set it to 0, or to 1 and the sysctl "
                    + "kernel.io_uring_group to a group of the process's, or use SelectorEventLoop"
        case .notPermitted(let errno):
            "io_uring is not permitted (\(errno)): look for a security module's rule, or use SelectorEventLoop"
        case .lockedMemoryExhausted(let limit):
            "no locked memory for the smallest ring: RLIMIT_MEMLOCK is \(limit) bytes for all rings of a user; raise it "
                + "(ulimit -l, LimitMEMLOCK= of a service, --ulimit memlock= of a container), run fewer loops, or use "
                + "SelectorEventLoop"
        case .memoryExhausted(let call):
            "no memory for the ring (\(call)): look at ulimit -v and the control group's limit, or make the ring or its "
                + "buffers smaller"
        case .descriptorsExhausted(let errno):
            "no descriptor for the ring (\(errno)): raise RLIMIT_NOFILE (ulimit -n)"
        case .invalidConfiguration(let reason):
            "the ring's configuration is not possible: \(reason)"
        case .failed(let errno, let call):
            "\(call) failed: \(errno)"
        }
    }
}
