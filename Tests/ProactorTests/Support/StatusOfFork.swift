import CTestLimits
import Foundation
import Glibc

/// Runs `body` in a fork of this process, which exits with what it returns, and waits for it. Returns its wait status, or -1 when
/// there was none.
///
/// A fork has one thread, and what another had locked stays locked in it for ever: the Swift runtime takes locks to make
/// metadata, at times that no code shows. So it is made while all others sleep. One that hangs nevertheless is
/// ended, which is a status like any other, rather than keep the pipes of the test run open.
///
/// - Parameter waits: whether to wait for the others. Not where they are in C code that takes none of the runtime's locks.
func statusOfFork(waitingForThreads waits: Bool = true, running body: () -> Int32) -> Int32 {
    if waits { waitUntilOtherThreadsSleep() }
    let child = forkWithLimit()
    if child == 0 { _exit(body()) }
    return statusOfChild(child)
}

/// Forks, and returns in both processes: zero in the child, which is ended when it hangs.
func forkOnceOthersSleep() -> Int32 {
    waitUntilOtherThreadsSleep()
    return forkWithLimit()
}

/// Waits for a fork's end.
func statusOfChild(_ child: Int32) -> Int32 {
    guard child > 0 else { return -1 }
    var status: Int32 = -1
    waitpid(child, &status, 0)
    return status
}

private func forkWithLimit() -> Int32 {
    typealias Fork = @convention(c) () -> Int32
    // Swift does not import it.
    let fork = unsafeBitCast(dlsym(nil, "fork"), to: Fork.self)
    let child = fork()
    if child == 0 { ctestlimits_end_process_after(UInt32(TestLimit.fork / .milliseconds(1))) }
    return child
}

/// Twice in a row, since one may be woken by another that was looked at after it. Gives up after a while.
private func waitUntilOtherThreadsSleep() {
    let deadline = ContinuousClock.now + TestLimit.wait
    var sightings = 0
    while sightings < 2, ContinuousClock.now < deadline {
        sightings = otherThreadsSleep() ? sightings + 1 : 0
        usleep(1000)
    }
}

private func otherThreadsSleep() -> Bool {
    let tasks = "/proc/self/task"
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []
    // The one that is awake is the calling thread. One that is gone by now holds nothing.
    return threads.count { ![nil, "S"].contains(stateLetter(inFile: "\(tasks)/\($0)/stat")) } == 1
}
