import Foundation
import Glibc

/// What /proc says a process does: T is stopped.
func stateLetter(of pid: Int32) -> String? {
    stateLetter(inFile: "/proc/\(pid)/stat")
}

/// What one of /proc's `stat` files says, of a process or of a thread.
func stateLetter(inFile path: String) -> String? {
    let line = try? String(contentsOfFile: path, encoding: .utf8)
    return line?.split(separator: ")").last?.split(separator: " ").first.map { String($0) }
}

/// Waits until no thread of a process that was started for one test opens or closes descriptors unasked.
///
/// Its first thread leaves `main` while the test runs on another: `dispatch_main()` makes an eventfd there, closes it again,
/// and suspends the thread for good. A test that counts descriptors, or takes all that there are, waits for that; where the
/// kernel does not say what threads wait for, for a second.
func waitUntilTheFirstThreadIsSuspended() {
    let place = "/proc/\(getpid())/wchan"
    let deadline = ContinuousClock.now + .seconds(1)
    while (try? String(contentsOfFile: place, encoding: .utf8))?.contains("sigsuspend") != true,
        ContinuousClock.now < deadline
    {
        usleep(1000)
    }
}
