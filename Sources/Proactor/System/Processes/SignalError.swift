import SystemPackage

/// A signal that cannot have a handler, and why.
///
/// ```swift
/// do {
///     try loop.addSignalHandler(.kill) { print("never") }
/// } catch SignalError.uncatchable(let signal) {
///     print("\(signal) ends a program, whatever it wants")
/// }
/// ```
public enum SignalError: Error, Hashable, Sendable {
    /// No signal has this number, or the C library keeps it for itself.
    case invalid(Signal)
    /// The kernel lets no program handle it: SIGKILL and SIGSTOP.
    case uncatchable(Signal)
    /// A faulty instruction raises it, and would be run again after every handler: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP.
    case raisedByInstructions(Signal)
    /// The system refused the handler.
    case failed(Signal, Errno)
}

extension SignalError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .invalid(let signal):
            "\(signal) cannot have a handler: use a number from 1 to 31, or from SIGRTMIN to SIGRTMAX"
        case .uncatchable(let signal):
            "\(signal) cannot be caught: handle SIGTERM, or SIGTSTP, which ask for the same"
        case .raisedByInstructions(let signal):
            "\(signal) cannot be handled by a loop: the instruction that raised it would be run again and again"
        case .failed(let signal, let errno):
            "setting a handler for \(signal) failed: \(errno)"
                + (errno.descriptorAdvice.map { "; \($0)" } ?? "")
        }
    }
}
