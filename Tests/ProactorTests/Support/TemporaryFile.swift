import Foundation
import Glibc
import SystemPackage

/// A file, or a named pipe, that is gone with this object.
final class TemporaryFile {
    let path: FilePath

    /// - Parameter length: the file's, in bytes, when it is to be longer than its content; the rest are zeros.
    init(_ content: [UInt8]? = nil, length: Int = 0) throws {
        path = FilePath("/tmp/proactor-file-\(UUID().uuidString)")
        guard let content else { return }
        guard FileManager.default.createFile(atPath: path.string, contents: Data(content)) else {
            throw TestError(number: Int(errno))
        }
        if length > content.count { try SocketPair.check(truncate(path.string, length)) }
    }

    private init(pipeAt path: FilePath) throws {
        self.path = path
        try SocketPair.check(mkfifo(path.string, 0o600))
    }

    static func namedPipe() throws -> TemporaryFile {
        try TemporaryFile(pipeAt: FilePath("/tmp/proactor-pipe-\(UUID().uuidString)"))
    }

    var content: [UInt8] {
        FileManager.default.contents(atPath: path.string).map { Array($0) } ?? []
    }

    /// Whether a named pipe is open for reading somewhere: what a descriptor's number would not tell, as others get it next.
    var hasReader: Bool {
        let end = open(path.string, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        guard end >= 0 else { return false }
        close(end)
        return true
    }

    /// Waits until nobody has the named pipe open for reading; returns whether that came true. A child
    /// process that is just being started has all descriptors for a moment.
    func losesReader() -> Bool {
        let deadline = ContinuousClock.now + TestLimit.wait
        while hasReader {
            guard ContinuousClock.now < deadline else { return false }
            sched_yield()
        }
        return true
    }

    deinit {
        remove()
    }

    /// Before this object is gone, for where a task may keep it for ever.
    func remove() {
        unlink(path.string)
    }
}
