import Foundation

/// Writes a line to standard error: what is not the result.
func note(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
}

/// A file that cannot be written.
struct WriteFailure: Error, CustomStringConvertible {
    var path: String
    var cause: String

    init(_ path: String, _ error: any Error) {
        self.path = path
        let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
        let system = [error, underlying].compactMap(\.self).lazy.compactMap { $0 as? POSIXError }.first
        cause = system.map { String(cString: strerror($0.code.rawValue)) } ?? error.localizedDescription
    }

    init(_ path: String, errno code: Int32) {
        self.path = path
        cause = String(cString: strerror(code))
    }

    var description: String { "\(path) cannot be written: \(cause)" }
}

/// Writes a file, and makes the directories above it.
func write(_ data: Data, to path: String) throws(WriteFailure) {
    do {
        try makeDirectory(above: path)
        // What was there stays until all of the new is. A device or a link is written to, not replaced.
        let kind = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
        try data.write(to: URL(filePath: path), options: kind == nil || kind == .typeRegular ? .atomic : [])
    } catch {
        throw WriteFailure(path, error)
    }
}

/// Throws when a file cannot be written, before there is anything to write. Makes the directories above it.
func checkThatCanBeWritten(_ path: String) throws(WriteFailure) {
    do { try makeDirectory(above: path) } catch { throw WriteFailure(path, error) }
    var isDirectory: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
    guard !isDirectory.boolValue else { throw WriteFailure(path, errno: EISDIR) }
    let asked = exists ? path : URL(filePath: path).deletingLastPathComponent().path
    guard access(asked, W_OK) == 0 else { throw WriteFailure(path, errno: errno) }
}

private func makeDirectory(above path: String) throws {
    try FileManager.default.createDirectory(
        at: URL(filePath: path).deletingLastPathComponent(),
        withIntermediateDirectories: true
    )
}
