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
/// and suspends the thread for good. A test that counts descriptors, or takes all that there are, waits for that. Where the
/// kernel does not say what threads wait for, it waits until that one has slept for a second.
func waitUntilTheFirstThreadIsSuspended() {
    let place = "/proc/self/task/\(getpid())"
    let deadline = ContinuousClock.now + TestLimit.wait
    var lastAwake = ContinuousClock.now
    while ContinuousClock.now < deadline {
        let function = try? String(contentsOfFile: "\(place)/wchan", encoding: .utf8)
        if function?.contains("sigsuspend") == true { return }
        let saysWhere = function.map { $0 != "0" && $0 != "" } ?? false
        if saysWhere || stateLetter(inFile: "\(place)/stat") != "S" { lastAwake = .now }
        if ContinuousClock.now - lastAwake > .seconds(1) { return }
        usleep(1000)
    }
}
