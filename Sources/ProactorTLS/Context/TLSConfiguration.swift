import Proactor

/// What a ``TLSContext`` is made of. As it is made it suits clients: they trust whom the system trusts, and verify the server's chain
/// and name.
///
/// ```swift
/// var configuration = TLSConfiguration()
/// configuration.applicationProtocols = ["h2", "http/1.1"]
/// let context = try TLSContext.client(configuration)
/// ```
public struct TLSConfiguration: Sendable {
    /// What a client wants to be sure of.
    public enum ServerVerification: Hashable, Sendable {
        /// That the server's chain leads to a trusted authority, and that its certificate is for the name that was asked for.
        case chainAndName
        /// The chain alone: any server that the authority has signed will do.
        case chain
        /// Nothing. Whoever is on the way can read and change everything; for tests only.
        case nothing
    }

    /// What a server wants of its clients.
    public enum ClientCertificates: Hashable, Sendable {
        /// No certificate.
        case notAskedFor
        /// One that leads to a trusted authority, or none.
        case askedFor
        /// One that leads to a trusted authority.
        case required
    }

    /// One's own certificate, and behind it whoever signed the one before. Servers need one; clients of servers that ask for it.
    ///
    /// Whether it is valid still is left to the peer: one that has expired is taken.
    public var certificateChain: TLSCertificateSource?
    /// The key of one's own certificate.
    public var privateKey: TLSPrivateKey?
    /// Whose certificates are believed. A server needs it if it wants certificates of its clients.
    public var trust = TLSTrust.system
    /// What a client wants to be sure of.
    public var serverVerification = ServerVerification.chainAndName
    /// What a server wants of its clients.
    public var clientCertificates = ClientCertificates.notAskedFor

    /// The oldest version that is spoken.
    public var minimumVersion = TLSVersion.tls12
    /// The newest version that is spoken.
    public var maximumVersion = TLSVersion.tls13
    /// The ciphers of TLS 1.2 by preference, in OpenSSL's names, such as `ECDHE-ECDSA-AES128-GCM-SHA256`, or its words for many of
    /// them; none: the library's own choice.
    public var ciphers: [String] = []
    /// The cipher suites of TLS 1.3 by preference, such as `TLS_AES_128_GCM_SHA256`; none: the library's own choice. BoringSSL lets
    /// nobody choose them, so that a context with some cannot be made: see <doc:BoringSSL>.
    public var cipherSuites: [String] = []
    /// The groups for the key exchange by preference, such as `X25519` and `P-256`; none: the library's own choice.
    public var groups: [String] = []

    /// The application's protocols by preference, such as `h2` (ALPN); none: it is not used.
    ///
    /// A server that has some refuses a client that offers others only, by the alert no_application_protocol, and goes on with one
    /// that offers none.
    public var applicationProtocols: [String] = []

    /// Chooses the context that a server goes on with, by the host name that the client asks for (SNI), or `nil` if it gives none;
    /// returns `nil` for the one that there is.
    ///
    /// Certificate, trust, what is wanted of clients and protocols are the chosen one's; versions, ciphers, groups and tickets stay.
    /// It is called on the connection's loop, amid the handshake, and must neither wait nor use the connection.
    public var chooseContext: (@Sendable (_ serverName: String?) -> TLSContext?)?

    /// How many tickets, by which a client resumes its session, a server sends after a full handshake; 0: none, which saves some
    /// 15 % of a full handshake's time and has every one be a full one.
    public var ticketCount = 1
    /// Of how many servers a client remembers sessions; 0: none. Only connections with a server name count.
    public var rememberedServers = 256

    /// Is given each line of a key log (NSS's format), by which programs such as Wireshark read what is sent. Whoever has it reads
    /// everything: for looking for faults only. It is called on the connection's loop.
    public var keyLog: (@Sendable (_ line: String) -> Void)?

    /// What suits clients of public servers.
    public init() {}
}
