import SystemPackage

/// Why a file was not sent, or not all of it.
///
/// ```swift
/// do {
///     try await loop.sendFile(transport, file)
/// } catch SendFileError.connectionLost(_, let bytesSent) {
///     print("the peer left after \(bytesSent) bytes")
/// }
/// ```
public enum SendFileError: Error, Hashable, Sendable {
    /// The system cannot send this file to this connection by itself, for the reason given, if any; with `fallback` it
    /// would have been read and written instead. Nothing was sent.
    case notAvailable(Errno?)
    /// A file is being sent over this transport: until that is done, nothing else can be written. A `write` meanwhile is
    /// dropped, and the loop's exception handler gets this error.
    case inProgress
    /// The connection was lost, for the reason given, if it was not closed on this side.
    case connectionLost(Errno?, bytesSent: Int64)
    /// The file could not be read on.
    case fileFailed(Errno, path: FilePath?, bytesSent: Int64)
}

extension SendFileError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notAvailable(let errno):
            "the system cannot send this file by itself\(Self.reason(errno)); pass fallback: true to read and write it"
        case .inProgress:
            "a file is being sent over this transport; wait for sendFile before anything else is written"
        case .connectionLost(let errno, let bytesSent):
            "the connection was lost\(Self.reason(errno)) after \(bytesSent) bytes of a file"
        case .fileFailed(let errno, let path, let bytesSent):
            "reading \(path?.description ?? "a file") failed after \(bytesSent) bytes were sent: \(errno)"
        }
    }

    private static func reason(_ errno: Errno?) -> String {
        errno.map { " (\($0))" } ?? ""
    }
}
