/// Why a TLS connection, or what one needs, does not stand.
///
/// ```swift
/// do {
///     _ = try await loop.createConnection(host: "localhost", port: 8443, tls: context) { Client() }
/// } catch let error as TLSError where error.reason == .certificateExpired {
///     print(error)
/// }
/// ```
public struct TLSError: Error, Hashable, Sendable {
    /// What was under way.
    public enum Step: String, Hashable, Sendable {
        /// A context was made: certificates, keys, trust and settings.
        case context = "making a TLS context"
        /// The handshake.
        case handshake = "the TLS handshake"
        /// Records of the peer were opened.
        case receive = "receiving over TLS"
        /// Bytes were sealed.
        case send = "sending over TLS"
        /// The connection was being ended.
        case shutdown = "the TLS shutdown"
    }

    /// What went wrong, as far as programs tell it apart.
    public enum Reason: Hashable, Sendable {
        /// The peer's certificate is not valid any more.
        case certificateExpired
        /// The peer's certificate is not valid yet: one of the clocks may be wrong.
        case certificateNotYetValid
        /// The peer's certificate is for other names.
        case wrongName(String)
        /// The peer's certificate leads to no authority that is trusted here.
        case unknownAuthority
        /// The peer's certificate is not acceptable otherwise.
        case certificateRefused
        /// The peer shows no certificate, and has to.
        case noCertificate
        /// What came is no TLS.
        case notTLS
        /// The two have no protocol version, cipher, group or signature in common.
        case nothingInCommon
        /// They have no application protocol in common (ALPN).
        case noApplicationProtocol
        /// The peer ended the connection by this alert (RFC 8446, 6).
        case alert(UInt8)
        /// The stream ended amid the handshake.
        case endOfStream
        /// The stream ended without the peer's close_notify: what came may not be all.
        case truncated
        /// It took longer than it may.
        case timedOut(Duration)
        /// A record was broken on its way, or made up.
        case brokenRecord
        /// A certificate or key, by the path or description given, could not be read.
        case unreadable(String)
        /// The key is not the certificate's.
        case keyDoesNotFit
        /// A setting makes no sense: which, and what would.
        case invalidSetting(String)
        /// Whatever else the library says.
        case other
    }

    /// Whose doing it was; `nil` where a context is for either.
    public let side: TLSSide?
    /// What was under way.
    public let step: Step
    /// What went wrong.
    public let reason: Reason
    /// The TLS library's own words, or nothing.
    public let detail: String

    /// An error with all its parts.
    public init(_ step: Step, _ reason: Reason, side: TLSSide? = nil, detail: String = "") {
        self.side = side
        self.step = step
        self.reason = reason
        self.detail = detail
    }
}
