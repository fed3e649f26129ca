import Foundation
import SystemPackage

/// A folder of a test's own, removed with all that is in it at the end.
final class TestFolder {
    private let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "proactor-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    var path: FilePath { FilePath(url.path) }

    func write(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
        try Data(bytes).write(to: url.appending(path: name))
        return path.appending(name)
    }

    func write(_ name: String, _ text: String) throws -> FilePath {
        try write(name, Array(text.utf8))
    }
}
