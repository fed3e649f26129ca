import Glibc
import SystemPackage

/// As ``seesEndOfStream(_:)``, of a socket that does not block: whether nobody can read what is written to it, in the end.
func seesHangUp(_ socket: FileDescriptor) -> Bool {
    var question = pollfd(fd: socket.rawValue, events: 0, revents: 0)
    let limit = Int32(TestLimit.wait / .milliseconds(1))
    return poll(&question, 1, limit) == 1 && question.revents & Int16(POLLHUP) != 0
}

/// Whether a socket's other end is closed, in the end: a process that another test starts may hold a copy of it
/// for a moment.
func seesEndOfStream(_ socket: FileDescriptor) -> Bool {
    var limit = timeval(tv_sec: Int(TestLimit.wait.components.seconds), tv_usec: 0)
    setsockopt(socket.rawValue, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var byte: UInt8 = 0
    // A ring that goes down interrupts, from the kernel's side, a wait of the thread that used it.
    var result: Int
    repeat { result = recv(socket.rawValue, &byte, 1, 0) } while result < 0 && errno == EINTR
    return result == 0
}
