import Foundation

/// An echo server on a thread of its own that stands still once, or sends back something else once.
final class StallingEcho: Sendable {
    let path: String
    private let listener: Int32

    struct Failure: Error { var code: Int32 }

    /// - Parameter after: so many receives.
    init(stall: Duration, after: Int, spoils: Bool = false) throws {
        path = "@loopbench-test-\(UUID().uuidString)"
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8.dropFirst())
        withUnsafeMutableBytes(of: &address.sun_path) { $0.dropFirst().copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.count)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) }
        }
        guard bound == 0, listen(listener, 16) == 0 else { throw Failure(code: errno) }
        Thread.detachNewThread { Self.serve(listener, stall, after, spoils) }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    private static func serve(_ listener: Int32, _ stall: Duration, _ after: Int, _ spoils: Bool) {
        var watched = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var receives = 0
        while poll(&watched, nfds_t(watched.count), -1) > 0 {
            // The end of the test shuts the listener down.
            if watched[0].revents & Int16(POLLHUP) != 0 { break }
            if watched[0].revents != 0 {
                watched.append(pollfd(fd: accept(listener, nil, nil), events: Int16(POLLIN), revents: 0))
                continue
            }
            for index in watched.indices.dropFirst() where watched[index].revents != 0 {
                let count = recv(watched[index].fd, &buffer, buffer.count, 0)
                guard count > 0 else {
                    close(watched[index].fd)
                    watched[index].fd = -1
                    continue
                }
                receives += 1
                if receives == after {
                    if spoils { buffer[0] ^= 1 }
                    let parts = stall.components
                    let nanoseconds = parts.attoseconds / 1_000_000_000
                    var time = timespec(tv_sec: Int(parts.seconds), tv_nsec: Int(nanoseconds))
                    // A minute's stall ends with its connections: see below.
                    if parts.seconds >= 1 { break }
                    nanosleep(&time, nil)
                }
                send(watched[index].fd, buffer, count, Int32(MSG_NOSIGNAL))
            }
            if receives >= after, stall >= .seconds(1) {
                // Stands still for good, and only waits for the test to end.
                var only = [watched[0]]
                _ = poll(&only, 1, -1)
                break
            }
        }
        for entry in watched where entry.fd >= 0 { close(entry.fd) }
    }
}
