import COpenSSL
import Proactor

extension OpenSSLEngine {
    func extraInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value? {
        known(key.name) as? Value
    }

    private func known(_ name: String) -> Any? {
        switch name {
        case ExtraInfoKey.tlsProtocolVersion.name: cssl_version(connection).map { String(cString: $0) }
        case ExtraInfoKey.tlsCipher.name: cssl_cipher(connection).map { String(cString: $0) }
        case ExtraInfoKey.applicationProtocol.name: applicationProtocol()
        case ExtraInfoKey.tlsSessionWasResumed.name: cssl_was_resumed(connection)
        case ExtraInfoKey.tlsServerName.name: cssl_server_name(connection).map { String(cString: $0) }
        case ExtraInfoKey.tlsPeerCertificate.name: peerCertificate()
        case ExtraInfoKey.tlsPeerCertificateChain.name: peerChain()
        case ExtraInfoKey.tlsContext.name: context
        default: nil
        }
    }

    private func applicationProtocol() -> String? {
        var size = 0
        guard let start = cssl_protocol(connection, &size), size > 0 else { return nil }
        // The bytes are the connection's, and are copied at once.
        return String(decoding: UnsafeBufferPointer(start: start, count: size), as: UTF8.self)
    }

    func peerCertificate() -> TLSCertificate? {
        cssl_peer_certificate(connection).map { TLSCertificate(OpenSSLCertificate($0)) }
    }

    private func peerChain() -> [TLSCertificate]? {
        var chain: [TLSCertificate] = []
        while let next = cssl_peer_chain(connection, Int32(chain.count), side == .server) {
            chain.append(TLSCertificate(OpenSSLCertificate(next)))
        }
        return chain.isEmpty ? nil : chain
    }
}
