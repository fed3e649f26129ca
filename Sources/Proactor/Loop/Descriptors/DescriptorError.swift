import SystemPackage

/// A descriptor that cannot be watched, and the system's reason.
///
/// ```swift
/// do {
///     try loop.addReader(.standardInput) { print("something to read") }
/// } catch let error as DescriptorError where error.errno == .notPermitted {
///     print(error)  // a file was redirected to it, and files are always ready
/// }
/// ```
public struct DescriptorError: Error, Hashable, Sendable {
    /// The descriptor.
    public let descriptor: FileDescriptor
    /// The system's reason: `notPermitted` (EPERM) for what has no readiness to wait for, such as a regular file.
    public let errno: Errno

    /// An error with all its parts.
    public init(_ descriptor: FileDescriptor, _ errno: Errno) {
        self.descriptor = descriptor
        self.errno = errno
    }
}

extension DescriptorError: FailedCall, CustomStringConvertible {
    public var description: String { message }

    var attempt: String { "watching descriptor \(descriptor.rawValue)" }

    var advice: String? {
        switch errno {
        case .notPermitted: "it is a file or a device that is always ready: read or write it without waiting"
        case .badFileDescriptor: "it is not open"
        default: nil
        }
    }
}
