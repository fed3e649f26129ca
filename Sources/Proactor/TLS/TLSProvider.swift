/// What connections get their ``TLSEngine`` from: a `TLSContext` of ProactorTLS, or your own.
///
/// One serves all connections and all loops, at the same time.
///
/// ```swift
/// let context = try TLSContext.client()
/// let (transport, _) = try await loop.createConnection(host: "localhost", port: 8443, tls: context) { Client() }
/// ```
public protocol TLSProvider: AnyObject, Sendable {
    /// An engine for one connection.
    ///
    /// - Parameters:
    ///   - side: which end of TLS this is.
    ///   - serverName: whom a client means to reach, a host name or an IP address, which is verified if anything is; `nil` for
    ///     servers.
    /// - Throws: ``TLSError``: a context of the other side; a client that verifies names and got none.
    func makeEngine(side: TLSSide, serverName: String?) throws(TLSError) -> any TLSEngine
}
