/// A child has written more than the caller was ready to hold.
///
/// The child runs on, and stops when its pipe is full. What has come is in the stream's reader still: read on, or end the child.
///
/// ```swift
/// do {
///     (output, _) = try await process.communicate(limit: 1 << 20)
/// } catch let error as ProcessOutputError {
///     process.close()
///     print(error)
/// }
/// ```
public struct ProcessOutputError: Error, Hashable, Sendable {
    /// The child's process number.
    public let pid: Int32
    /// Which of its streams it was: 1 is standard output, 2 standard error.
    public let descriptor: Int32
    /// How much would have been held, in bytes.
    public let limit: Int

    /// An error with all its parts.
    public init(pid: Int32, descriptor: Int32, limit: Int) {
        self.pid = pid
        self.descriptor = descriptor
        self.limit = limit
    }
}

extension ProcessOutputError: CustomStringConvertible {
    public var description: String {
        let stream = descriptor == 1 ? "standard output" : "standard error"
        return """
            child process \(pid) wrote more than \(limit) bytes to its \(stream); give a higher limit, or read the stream \
            piece by piece
            """
    }
}
