/// How a connection, or each of a server's, is encrypted.
///
/// ```swift
/// var options = ConnectionOptions(.tcp(host: "localhost", port: 8443))
/// options.tls = TLSOptions(context)
/// options.tls?.handshakeTimeout = .seconds(5)
/// let (transport, client) = try await loop.createConnection(options) { Client() }
/// ```
public struct TLSOptions: Sendable {
    /// How long a handshake takes at most, unless it is set.
    public static let defaultHandshakeTimeout = Duration.seconds(60)
    /// How long the peer's answer to a close is waited for, unless it is set.
    public static let defaultShutdownTimeout = Duration.seconds(30)

    /// Where engines come from: a `TLSContext` of ProactorTLS, or your own.
    public var context: any TLSProvider
    /// For clients: whom they mean to reach, which the peer's certificate is compared with. `nil` is the host that is connected to, and
    /// has to be set where there is none: for a Unix socket, and for one that was given. Empty is nobody, for a context that
    /// verifies no names.
    public var serverName: String?
    /// How long the handshake may take, above zero. Then the connection is aborted.
    public var handshakeTimeout = TLSOptions.defaultHandshakeTimeout
    /// How long the peer may take, above zero, to answer a close or to take any of what is still to be sent. Then the connection is
    /// aborted.
    public var shutdownTimeout = TLSOptions.defaultShutdownTimeout
    /// Whether a stream that ends without the peer's close_notify is taken for a proper end. Otherwise the connection is lost by
    /// ``TLSError`` with ``TLSError/Reason/truncated``, since somebody may have cut it. Set it where the application's own
    /// protocol says how much there is, as HTTP with lengths does, and the peers are careless.
    public var toleratesTruncation = false

    /// Options with everything but the context, and a client's server name, as usual.
    public init(_ context: any TLSProvider, serverName: String? = nil) {
        self.context = context
        self.serverName = serverName
    }

    /// What the arguments of a call say; `nil` without a context.
    init?(
        _ context: (any TLSProvider)?,
        serverName: String? = nil,
        handshakeTimeout: Duration?,
        shutdownTimeout: Duration?
    ) throws(EventLoopError) {
        guard let context else {
            guard serverName == nil, handshakeTimeout == nil, shutdownTimeout == nil else {
                throw .invalidArgument("a server name and TLS timeouts go with the argument tls")
            }
            return nil
        }
        self.init(context, serverName: serverName)
        if let handshakeTimeout { self.handshakeTimeout = handshakeTimeout }
        if let shutdownTimeout { self.shutdownTimeout = shutdownTimeout }
    }

    /// An engine, for a peer that is reached as `host` where nothing else was said.
    func makeEngine(_ side: TLSSide, host: String? = nil) throws -> any TLSEngine {
        guard handshakeTimeout > .zero, shutdownTimeout > .zero else {
            throw EventLoopError.invalidArgument("a TLS timeout is above zero")
        }
        guard side == .client else {
            guard serverName == nil else {
                throw EventLoopError.invalidArgument(
                    "serverName is for the client's side of TLS: a server is asked by it"
                )
            }
            return try context.makeEngine(side: side, serverName: nil)
        }
        let name = serverName ?? host
        return try context.makeEngine(side: side, serverName: name?.isEmpty == true ? nil : name)
    }

    /// Refuses a client that nobody has told whom it means to reach.
    func checkHasServerName() throws(EventLoopError) {
        guard serverName == nil else { return }
        throw .invalidArgument(
            "TLS without a host needs serverName: the name in the peer's certificate, or \"\" where none is verified"
        )
    }
}
