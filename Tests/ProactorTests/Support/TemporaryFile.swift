import Foundation
import Glibc
import SystemPackage

/// A file, or a named pipe, that is gone with this object.
final class TemporaryFile {
    let path: FilePath

    init(_ content: [UInt8]? = nil) throws {
        path = FilePath("/tmp/proactor-file-\(UUID().uuidString)")
        guard let content else { return }
        guard FileManager.default.createFile(atPath: path.string, contents: Data(content)) else {
            throw TestError(number: Int(errno))
        }
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

    deinit {
        unlink(path.string)
    }
}
