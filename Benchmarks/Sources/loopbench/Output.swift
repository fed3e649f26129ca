import Foundation

/// Writes a line to standard error: what is not the result.
func note(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
}

/// Writes a file, and makes the directories above it.
func write(_ data: Data, to path: String) throws {
    let url = URL(filePath: path)
    try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(),
        withIntermediateDirectories: true
    )
    try data.write(to: url)
}
