/// What is known about an error that nobody caught, for ``AbstractEventLoop/callExceptionHandler(_:)``.
///
/// ```swift
/// loop.setExceptionHandler { loop, context in
///     print(context.message, context.error.map { "\($0)" } ?? "")
/// }
/// ```
public struct ExceptionContext {
    /// What happened, in one line.
    public var message: String
    /// The error, when there is one.
    public var error: (any Error)?
    /// The future, or task, whose error it is. For one that was released before anybody looked at its error it is another,
    /// with the same outcome and description.
    public var future: (any AnyFuture)?
    /// The protocol that threw it.
    public var connectionProtocol: (any BaseProtocol)?
    /// The transport that it concerns.
    public var transport: (any BaseTransport)?
    /// The server that it concerns.
    public var server: Server?
    /// The socket that it concerns.
    public var socket: TransportSocket?

    /// A context with a message and perhaps an error; set the other properties as they apply.
    public init(message: String, error: (any Error)? = nil) {
        self.message = message
        self.error = error
    }
}

extension ExceptionContext: CustomStringConvertible {
    /// The message, then each known part on a line of its own.
    public var description: String {
        var lines = [message]
        if let error { lines.append("error: \(error)") }
        if let future { lines.append("future: \(future)") }
        if let connectionProtocol { lines.append("protocol: \(type(of: connectionProtocol))") }
        if let transport { lines.append("transport: \(transport)") }
        if let server { lines.append("server: \(server)") }
        if let socket { lines.append("socket: \(socket)") }
        return lines.joined(separator: "\n")
    }
}
