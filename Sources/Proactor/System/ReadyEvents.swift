import Glibc

/// What poll(2) tells.
enum ReadyEvents {
    /// Whether there are errors, and neither room nor a hang-up.
    static func areOnlyErrors(_ events: Int32) -> Bool {
        events & POLLERR != 0 && events & (POLLOUT | POLLHUP | POLLNVAL) == 0
    }
}
