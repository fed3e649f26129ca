import Proactor

extension ExtraInfoKey where Value == TLSCertificate {
    /// The peer's certificate; `nil` when it has shown none.
    public static var tlsPeerCertificate: ExtraInfoKey { ExtraInfoKey("tlsPeerCertificate") }
}

extension ExtraInfoKey where Value == [TLSCertificate] {
    /// The peer's certificate, and those that it sent behind it; `nil` when it has shown none. What it sent need not be in order, nor
    /// be what was verified. Of a resumed session, a server knows the first only.
    public static var tlsPeerCertificateChain: ExtraInfoKey { ExtraInfoKey("tlsPeerCertificateChain") }
}

extension ExtraInfoKey where Value == String {
    /// The host name that a client has asked for (SNI); `nil` when it has not, as for an address.
    public static var tlsServerName: ExtraInfoKey { ExtraInfoKey("tlsServerName") }
}
