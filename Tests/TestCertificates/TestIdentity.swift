import CTestCertificates
import ProactorTLS

/// A certificate that a test has made, and its key.
package final class TestIdentity: @unchecked Sendable {
    package let certificate: OpaquePointer
    package let key: OpaquePointer

    init(certificate: OpaquePointer, key: OpaquePointer) {
        self.certificate = certificate
        self.key = key
    }

    deinit {
        ctest_certificate_destroy(certificate)
        ctest_key_destroy(key)
    }

    package var certificatePEM: String {
        withExtendedLifetime(self) { Self.text(ctest_certificate_pem(certificate)) }
    }
    package var keyPEM: String { keyPEM(passphrase: nil) }
    package var hash: UInt32 { withExtendedLifetime(self) { ctest_certificate_hash(certificate) } }

    package var parsed: TLSCertificate {
        get throws { try TLSCertificate(Array(certificatePEM.utf8)) }
    }

    package func keyPEM(passphrase: String?) -> String {
        withExtendedLifetime(self) { Self.text(ctest_key_pem(key, passphrase)) }
    }

    package func keyDER(passphrase: String? = nil) -> [UInt8] {
        var bytes: UnsafeMutablePointer<UInt8>?
        let size = withExtendedLifetime(self) { ctest_key_der(key, passphrase, &bytes) }
        defer { ctest_free(bytes) }
        return Array(UnsafeBufferPointer(start: bytes, count: size))
    }

    private static func text(_ text: UnsafeMutablePointer<CChar>?) -> String {
        guard let text else { return "" }
        defer { ctest_free(text) }
        return String(cString: text)
    }
}
