import Foundation

/// A directory of a test's own, removed with all that is in it at the end.
final class TestDirectory {
    private let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "proactor-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit {
        remove()
    }

    /// Before this object is gone, for where a task may keep it for ever.
    func remove() {
        try? FileManager.default.removeItem(at: directory)
    }

    var path: String { directory.path }

    func path(of name: String) -> String { directory.appending(path: name).path }
}
