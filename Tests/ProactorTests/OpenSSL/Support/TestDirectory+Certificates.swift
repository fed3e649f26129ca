import Foundation
import SystemPackage

extension TestDirectory {
    /// Writes a file, and returns where it is.
    func write(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
        try Data(bytes).write(to: URL(filePath: path(of: name)))
        return FilePath(path(of: name))
    }

    func write(_ name: String, _ text: String) throws -> FilePath {
        try write(name, Array(text.utf8))
    }
}
