import CPosix
import Glibc

/// A signal, by its number.
///
/// ```swift
/// try loop.addSignalHandler(.terminate) { loop.stop() }
/// ```
public struct Signal: RawRepresentable, Hashable, Sendable {
    /// The number that this machine's kernel knows it by.
    public let rawValue: Int32

    /// A signal by its number, such as 40 for a real-time one.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// SIGHUP: the terminal is gone; to a daemon, read your settings again.
    public static let hangUp = Signal(rawValue: SIGHUP)
    /// SIGINT: Ctrl+C.
    public static let interrupt = Signal(rawValue: SIGINT)
    /// SIGQUIT: Ctrl+\.
    public static let quit = Signal(rawValue: SIGQUIT)
    /// SIGABRT.
    public static let abort = Signal(rawValue: SIGABRT)
    /// SIGKILL: ends a process, which cannot refuse.
    public static let kill = Signal(rawValue: SIGKILL)
    /// SIGUSR1: the program's own meaning.
    public static let user1 = Signal(rawValue: SIGUSR1)
    /// SIGUSR2: the program's own meaning.
    public static let user2 = Signal(rawValue: SIGUSR2)
    /// SIGPIPE: a write that nobody will read.
    public static let pipe = Signal(rawValue: SIGPIPE)
    /// SIGALRM: the time of alarm(2) is up.
    public static let alarm = Signal(rawValue: SIGALRM)
    /// SIGTERM: asks a process to end.
    public static let terminate = Signal(rawValue: SIGTERM)
    /// SIGCHLD: a child process has ended. The library itself neither needs nor takes it.
    public static let child = Signal(rawValue: SIGCHLD)
    /// SIGCONT: a stopped process goes on.
    public static let `continue` = Signal(rawValue: SIGCONT)
    /// SIGSTOP: stops a process, which cannot refuse.
    public static let stop = Signal(rawValue: SIGSTOP)
    /// SIGTSTP: Ctrl+Z.
    public static let terminalStop = Signal(rawValue: SIGTSTP)
    /// SIGWINCH: the terminal's window has another size.
    public static let windowChange = Signal(rawValue: SIGWINCH)
}

extension Signal: CustomStringConvertible {
    /// Such as `SIGTERM`, or `signal 40`.
    public var description: String {
        guard let name = cposix_signal_name(rawValue) else { return "signal \(rawValue)" }
        return "SIG\(String(cString: name))"
    }
}
