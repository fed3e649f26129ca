import Glibc
import SystemPackage

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
