/// What a descriptor stands for.
///
/// ```swift
/// do {
///     _ = try await loop.connectReadPipe(descriptor) { Reader() }
/// } catch PipeError.notAPipe(let kind) where kind == .regularFile {
///     print("read the file instead")
/// }
/// ```
public enum DescriptorKind: String, Hashable, Sendable {
    /// A pipe or FIFO.
    case pipe
    /// A stream socket.
    case socket
    /// A socket that keeps the bounds of messages: datagrams, or Unix packets.
    case messageSocket = "message socket"
    /// A terminal, or another character device that can be waited for.
    case terminal
    /// A character device that cannot be waited for, such as `/dev/null`.
    case device
    /// A block device.
    case blockDevice = "block device"
    /// A regular file.
    case regularFile = "regular file"
    /// A directory.
    case directory
    /// Anything else, such as an eventfd.
    case other = "descriptor of another kind"
}
