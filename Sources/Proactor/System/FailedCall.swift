import SystemPackage

/// What the errors of calls to the system have in common: they say what was tried, and on what, the system's reason, and what
/// to do about it.
protocol FailedCall: Error {
    /// What was tried, and on what: "binding (127.0.0.1:80)".
    var attempt: String { get }
    /// How far it came before it failed; empty when that is nothing to speak of.
    var progress: String { get }
    /// The system's reason.
    var errno: Errno { get }
    /// What to do about this reason for this attempt, where more can be said than ``commonAdvice``.
    var advice: String? { get }
}

extension FailedCall {
    var progress: String { "" }

    /// The whole as a text.
    var message: String {
        let advice = (advice ?? commonAdvice).map { "; \($0)" } ?? ""
        return "\(attempt) failed\(progress): \(errno)\(advice)"
    }

    /// What helps whatever was tried.
    private var commonAdvice: String? { errno.descriptorAdvice }
}
