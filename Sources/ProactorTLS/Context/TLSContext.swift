import COpenSSL
import Proactor

/// All that connections of TLS have in common: certificates, trust and settings, for clients or for servers.
///
/// Make one and use it for all connections: making it costs as much as some connections do. It may be used by all loops at once,
/// and any thread may call it.
///
/// ```swift
/// let context = try TLSContext.server(
///     certificateChain: .file("fullchain.pem"), privateKey: .file("key.pem"))
/// let server = try await loop.createServer(host: "0.0.0.0", port: 8443, tls: context) { Echo() }
/// ```
public final class TLSContext: TLSProvider {
    /// Which end of a connection it is for.
    public let side: TLSSide
    let configuration: TLSConfiguration
    /// What a client may resume.
    let sessions: TLSSessions

    private let state: ThreadLock<State>

    private struct State {
        var context: OpenSSLContext
        var certificateChain: TLSCertificateSource?
        var privateKey: TLSPrivateKey?
    }

    private init(_ side: TLSSide, _ configuration: TLSConfiguration) throws(TLSError) {
        let context = try OpenSSLContext(
            side,
            configuration,
            configuration.certificateChain,
            configuration.privateKey
        )
        self.side = side
        self.configuration = configuration
        sessions = TLSSessions(serversMax: configuration.rememberedServers)
        state = ThreadLock(
            State(
                context: context,
                certificateChain: configuration.certificateChain,
                privateKey: configuration.privateKey
            )
        )
    }

    /// A context for clients. It reads the files that the configuration names, and waits for the disk.
    ///
    /// - Throws: `TLSError` for what cannot be read or makes no sense.
    public static func client(_ configuration: TLSConfiguration = TLSConfiguration()) throws(TLSError)
        -> TLSContext
    {
        try TLSContext(.client, configuration)
    }

    /// A context for servers. It reads the files that are named, and waits for the disk.
    ///
    /// A certificate that has expired is taken: clients refuse it.
    ///
    /// - Parameters:
    ///   - certificateChain: the server's certificate, and behind it whoever signed the one before.
    ///   - privateKey: the key of the server's certificate.
    ///   - configuration: everything else.
    /// - Throws: `TLSError` for what cannot be read or makes no sense, and for a key that is not the certificate's.
    public static func server(
        certificateChain: TLSCertificateSource,
        privateKey: TLSPrivateKey,
        configuration: TLSConfiguration = TLSConfiguration()
    ) throws(TLSError) -> TLSContext {
        var configuration = configuration
        configuration.certificateChain = certificateChain
        configuration.privateKey = privateKey
        return try TLSContext(.server, configuration)
    }

    // MARK: Renewing

    /// Reads the certificate chain, the key and the trusted certificates again, as when files were renewed. Connections that are made
    /// from now on use them; those that there are go on. Tickets that were given stay good, unless clients are asked for certificates. It
    /// waits for the disk.
    ///
    /// - Throws: `TLSError`, and then all stays as it was.
    public func reload() throws(TLSError) {
        let (chain, key) = state.withLock { ($0.certificateChain, $0.privateKey) }
        try replace(chain, key)
    }

    /// Has another certificate chain and key from now on.
    ///
    /// - Parameters:
    ///   - certificateChain: one's own certificate, and behind it whoever signed the one before.
    ///   - privateKey: the key of one's own certificate.
    /// - Throws: `TLSError`, and then all stays as it was.
    public func reload(certificateChain: TLSCertificateSource, privateKey: TLSPrivateKey) throws(TLSError) {
        try replace(certificateChain, privateKey)
    }

    private func replace(_ chain: TLSCertificateSource?, _ key: TLSPrivateKey?) throws(TLSError) {
        let context = try OpenSSLContext(side, configuration, chain, key)
        state.withLock { state in
            // A client whose certificate is not welcome any more must not come in by what it was given before.
            if configuration.clientCertificates == .notAskedFor { context.shareTickets(of: state.context) }
            state = State(context: context, certificateChain: chain, privateKey: key)
        }
        // What was agreed on with the former certificate and trust is not what would be agreed on now.
        sessions.removeAll()
    }

    // MARK: Connections

    /// An engine for one connection, as loops ask for it.
    ///
    /// - Parameters:
    ///   - side: which end of TLS this is.
    ///   - serverName: whom a client means to reach, a host name or an IP address; `nil` for servers.
    /// - Throws: `TLSError`: the context is for the other side, or a client verifies names and got none that it could.
    public func makeEngine(side: TLSSide, serverName: String?) throws(TLSError) -> any TLSEngine {
        try makeOpenSSLEngine(side: side, serverName: serverName)
    }

    func makeOpenSSLEngine(side: TLSSide, serverName: String?) throws(TLSError) -> OpenSSLEngine {
        guard side == self.side else {
            throw TLSError(
                .context,
                .invalidSetting(
                    "the context is for \(self.side)s, and the connection is a \(side)'s; make one by TLSContext.\(side)"
                ),
                side: side
            )
        }
        let name = side == .client ? try clientsName(serverName) : nil
        let engine = try OpenSSLEngine(side: side, serverName: name, context: self, material: current())
        if let name { try engine.setServerName(name) }
        return engine
    }

    private func clientsName(_ serverName: String?) throws(TLSError) -> TLSServerName? {
        if let serverName, !serverName.isEmpty { return try TLSServerName(serverName) }
        guard configuration.serverVerification != .chainAndName else {
            throw TLSError(
                .context,
                .invalidSetting(
                    "the server's name is verified, and none is given; give the one that is in its certificate"
                ),
                side: .client
            )
        }
        return nil
    }

    /// What connections are made of now.
    func current() -> OpenSSLContext {
        state.withLock { $0.context }
    }
}

extension OpenSSLEngine {
    fileprivate func setServerName(_ name: TLSServerName) throws(TLSError) {
        let isVerified = context.configuration.serverVerification == .chainAndName
        let isSet: Bool
        if let address = name.address {
            // An address is never sent (RFC 6066, 3).
            isSet = !isVerified || cssl_connection_expect_address(connection, address, address.count)
        } else {
            isSet =
                cssl_connection_send_name(connection, name.text)
                && (!isVerified || cssl_connection_expect_name(connection, name.text))
        }
        guard isSet else {
            throw TLSError(.context, .other, side: .client, detail: OpenSSLFailure.take().text)
        }
        _ = context.sessions.take(for: name)?.lend { cssl_connection_resume(connection, $0) }
    }
}
