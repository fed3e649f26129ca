import CPosix
import Glibc
import SystemPackage

@testable import Proactor

/// Two ends of something that can be watched: `reading` becomes readable when `feed` is called, until it is drained.
final class WatchedDescriptor {
    enum Kind: CaseIterable, Sendable {
        case socket, pipe, terminal, eventfd
    }

    let reading: FileDescriptor
    /// A descriptor that can be written to.
    let writing: FileDescriptor
    private let isEvent: Bool

    init(_ kind: Kind) throws {
        isEvent = kind == .eventfd
        var ends: [Int32] = [-1, -1]
        switch kind {
        case .socket:
            try checkCall(socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, &ends))
        case .pipe:
            try checkCall(Glibc.pipe(&ends))
        case .terminal:
            // Bytes as they are: a terminal would hold a line back and echo it.
            var settings = termios()
            cfmakeraw(&settings)
            var (controller, terminal): (Int32, Int32) = (-1, -1)
            try checkCall(openpty(&controller, &terminal, nil, &settings, nil))
            ends = [controller, terminal]
        case .eventfd:
            ends[0] = cposix_eventfd()
            ends[1] = try checkCall(dup(ends[0]))
        }
        reading = FileDescriptor(rawValue: ends[0])
        writing = FileDescriptor(rawValue: ends[1])
        try checkCall(fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_NONBLOCK))
    }

    /// Makes `reading` readable.
    func feed() throws {
        var one: UInt64 = 1
        try checkCall(Int32(write(writing.rawValue, &one, isEvent ? 8 : 1)))
    }

    /// Takes all that is there, and returns whether it was anything.
    @discardableResult
    func drain() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 64)
        var found = false
        while read(reading.rawValue, &buffer, buffer.count) > 0 { found = true }
        return found
    }

    func close() throws {
        try reading.close()
        try writing.close()
    }
}
