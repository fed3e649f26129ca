import CPosix
import Glibc
import SystemPackage

/// A pipe made without the library. A test lends one end to a transport and does with the other what it likes, never
/// waiting.
final class RawPipe {
    let reading: FileDescriptor
    let writing: FileDescriptor
    private(set) var received: [UInt8] = []
    private(set) var sawEnd = false
    private var open: Set<Int32> = []

    init() throws {
        try RealSockets.checkReach()
        var ends: [Int32] = [-1, -1]
        try SocketPair.check(cposix_stream_pipe(&ends))
        reading = FileDescriptor(rawValue: ends[0])
        writing = FileDescriptor(rawValue: ends[1])
        open = [ends[0], ends[1]]
    }

    deinit {
        for end in open { _ = Glibc.close(end) }
    }

    /// Leaves an end to its taker and makes the other non-blocking.
    func lend(_ end: FileDescriptor) -> FileDescriptor {
        open.remove(end.rawValue)
        for other in open { _ = fcntl(other, F_SETFL, fcntl(other, F_GETFL) | O_NONBLOCK) }
        return end
    }

    func close(_ end: FileDescriptor) {
        guard open.remove(end.rawValue) != nil else { return }
        _ = Glibc.close(end.rawValue)
    }

    /// Writes what the pipe takes and returns how much that is.
    @discardableResult
    func write(_ bytes: some Sequence<UInt8>) -> Int {
        let bytes = Array(bytes)
        return max(Glibc.write(writing.rawValue, bytes, bytes.count), 0)
    }

    /// Waits until nobody can read any more. A child that another test starts has a copy of every
    /// descriptor for a moment.
    func isUnread() -> Bool {
        var interest = pollfd(fd: writing.rawValue, events: 0, revents: 0)
        while poll(&interest, 1, Int32(TestLimit.wait / .milliseconds(1))) < 0, errno == EINTR {}
        return interest.revents & Int16(POLLERR) != 0
    }

    /// Takes all until the end, for which it waits.
    func readToEnd() -> Bool {
        let deadline = ContinuousClock.now + TestLimit.wait
        while !sawEnd, ContinuousClock.now < deadline {
            var interest = pollfd(fd: reading.rawValue, events: Int16(POLLIN), revents: 0)
            poll(&interest, 1, 100)
            read()
        }
        return sawEnd
    }

    /// Takes what has come, up to `limit` bytes.
    func read(limit: Int = .max) {
        var buffer = [UInt8](repeating: 0, count: min(limit, 65_536))
        var remaining = limit
        while remaining > 0, !sawEnd {
            let count = Glibc.read(reading.rawValue, &buffer, min(buffer.count, remaining))
            if count > 0 {
                received += buffer[..<count]
                remaining -= count
            } else if count == 0 {
                sawEnd = true
            } else if errno != EINTR {
                return
            }
        }
    }
}
