import Glibc

/// Where debug mode starts.
enum DebugMode {
    /// Whether the environment variable `PROACTOR_DEBUG` is set to something other than `0`.
    static var isOnByEnvironment: Bool {
        guard let value = getenv("PROACTOR_DEBUG") else { return false }
        let text = String(cString: value)
        return !text.isEmpty && text != "0"
    }
}
