import Glibc
import SystemPackage

/// A pseudo-terminal: a test holds the side of the screen, and its program's side is lent as often as it is wanted.
final class TestTerminal {
    private var screen: Int32
    private let path: String
    private(set) var received = ""

    init() throws {
        screen = try SocketPair.check(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK))
        // What unlockpt and ptsname do, which Swift does not see.
        var (locked, number): (Int32, Int32) = (0, 0)
        try SocketPair.check(ioctl(screen, 0x4004_5431, &locked))
        try SocketPair.check(ioctl(screen, 0x8004_5430, &number))
        path = "/dev/pts/\(number)"
    }

    deinit {
        close()
    }

    /// The side of the program, opened once more.
    func takeSide() throws -> FileDescriptor {
        FileDescriptor(rawValue: try SocketPair.check(open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)))
    }

    func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(screen, bytes, bytes.count)
    }

    func read() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(screen, &buffer, buffer.count)
        if count > 0 { received += String(decoding: buffer[..<count], as: UTF8.self) }
    }

    func close() {
        guard screen >= 0 else { return }
        _ = Glibc.close(screen)
        screen = -1
    }
}
