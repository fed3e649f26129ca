import ProactorTLS
import Proactor
import TestCertificates

extension FuzzTarget {
    /// Certificates that somebody has changed on their way, as they are and as text.
    static let certificates = FuzzTarget(name: "certificates") {
        let whole = try TestAuthority.shared.identity(
            names: "DNS:localhost,DNS:*.example.com,IP:127.0.0.1,IP:2001:db8::1,email:someone@example.com"
        ).parsed
        let text = Array(TestAuthority.shared.own.certificatePEM.utf8)
        return { input in
            try check(input)
            var changes = FuzzInput(input)
            var tampering = Tampering(&changes)
            try check(tampering.pass(whole.bytes).bytes, is: tampering.hasChanged ? nil : whole)
            var other = Tampering(&changes)
            try check(other.pass(text).bytes)
        }
    }

    /// It is read or refused, and what was read is the same when it is read again.
    private static func check(_ bytes: [UInt8], is right: TLSCertificate? = nil) throws {
        let certificate: TLSCertificate
        do { certificate = try TLSCertificate(bytes) } catch {
            guard case .unreadable = error.reason else {
                throw FuzzFinding("the certificate \(bytes) is refused: \(error)")
            }
            try demand(right == nil, "a whole certificate is refused: \(error)")
            return
        }
        try demand(right == nil || certificate == right, "\(certificate) is not what was sent")
        try demand(
            try TLSCertificate(certificate.bytes) == certificate,
            "\(certificate) is another one when it is read again"
        )
        for address in certificate.addresses where address.contains(":") {
            try demand(
                IPv6Address(address)?.description == address,
                "the address \(address) of \(certificate) is written otherwise"
            )
        }
    }
}
