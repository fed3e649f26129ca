extension ExtraInfoKey where Value == String {
    /// The version that a TLS connection has, such as `TLSv1.3`.
    public static var tlsProtocolVersion: ExtraInfoKey { ExtraInfoKey("tlsProtocolVersion") }
    /// The cipher suite that a TLS connection has, such as `TLS_AES_128_GCM_SHA256`.
    public static var tlsCipher: ExtraInfoKey { ExtraInfoKey("tlsCipher") }
    /// What ALPN chose; `nil` when it was not used.
    public static var applicationProtocol: ExtraInfoKey { ExtraInfoKey("applicationProtocol") }
}

extension ExtraInfoKey where Value == Bool {
    /// Whether a TLS connection goes on with an earlier one's session.
    public static var tlsSessionWasResumed: ExtraInfoKey { ExtraInfoKey("tlsSessionWasResumed") }
}

extension ExtraInfoKey where Value == any TLSProvider {
    /// What a TLS connection has its engine from: its `TLSContext`; on a server, the one that was chosen by the name that the
    /// client asked for.
    public static var tlsContext: ExtraInfoKey { ExtraInfoKey("tlsContext") }
}
