#if GRPC
    import NIOSSL

    /// Whether an `HTTP2ServerTransport.Proactor` encrypts.
    ///
    /// ```swift
    /// let tls = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
    /// let transport = HTTP2ServerTransport.Proactor(address: address, security: .tls(tls), group: group)
    /// ```
    public enum ProactorTransportSecurity: Sendable {
        /// Nothing is encrypted.
        case plaintext
        /// TLS by NIOSSL. Where the configuration names no application protocols, it offers gRPC's. A client that negotiates none is
        /// refused where `requiresALPN` says so.
        case tls(_ configuration: TLSConfiguration, requiresALPN: Bool = false)
    }
#endif
