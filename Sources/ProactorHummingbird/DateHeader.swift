#if Hummingbird
    import Glibc
    import NIOCore
    import Synchronization

    /// The time of day as answers have it in their `Date` header (RFC 9110, section 5.6.7): written once a second, and not for each of
    /// them.
    final class DateHeader: Sendable {
        private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        private static let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]

        private let current = Mutex(DateHeader.text(of: time(nil)))

        var text: String { current.withLock { $0 } }

        /// Writes it anew each second, until the task is cancelled.
        func keepUpdated(on loop: any EventLoop) -> RepeatedTask {
            loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
                let text = Self.text(of: time(nil))
                self.current.withLock { $0 = text }
            }
        }

        /// - Parameter seconds: since 1970.
        static func text(of seconds: time_t) -> String {
            var (seconds, parts) = (seconds, tm())
            gmtime_r(&seconds, &parts)
            let day = "\(days[Int(parts.tm_wday)]), \(twoDigits(parts.tm_mday)) \(months[Int(parts.tm_mon)])"
            let time = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(twoDigits).joined(separator: ":")
            return "\(day) \(parts.tm_year + 1900) \(time) GMT"
        }

        private static func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    }
#endif
