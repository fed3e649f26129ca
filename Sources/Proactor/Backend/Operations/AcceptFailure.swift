import Glibc

/// What an accept that failed says of its listener.
enum AcceptFailure {
    /// Whether an accept's result, minus errno, is the fate of one connection that was waiting, as accept(2) says: the listener
    /// is sound, and the next connection may be too.
    static func isAboutOneConnection(_ result: Int32) -> Bool {
        switch -result {
        case EINTR, ECONNABORTED, ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH:
            true
        default:
            false
        }
    }
}
