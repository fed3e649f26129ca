import Proactor
import ProactorTLS

extension FuzzTarget {
    /// Certificates that somebody has changed on their way, as they are and as text.
    static let certificates = FuzzTarget(name: "certificates") {
        let text = Array(pem.utf8)
        let whole = try TLSCertificate(text)
        return { input in
            try check(input)
            var changes = FuzzInput(input)
            var tampering = Tampering(&changes)
            try check(tampering.pass(whole.bytes).bytes, is: tampering.hasChanged ? nil : whole)
            var other = Tampering(&changes)
            try check(other.pass(text).bytes)
        }
    }

    /// With names and addresses of each kind, and always the same, so that an input means the same each time.
    private static let pem = """
        -----BEGIN CERTIFICATE-----
        MIIB5zCCAY2gAwIBAgIUSeSfwnDLR4ZagFbL/2Hxkd6DSAQwCgYIKoZIzj0EAwIw
        HzEdMBsGA1UEAwwUYSBmdXp6ZWQgY2VydGlmaWNhdGUwHhcNMjYxMTMwMTkwNzMz
        WhcNMzYxMTI3MTkwNzMzWjAfMR0wGwYDVQQDDBRhIGZ1enplZCBjZXJ0aWZpY2F0
        ZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLq+ayPe4V9NRyoKFsFnSWf/SlhF
        vkHDJg++pmTLLUbT3geujtEa35HDKspb0V0Xg5gg10nKUHdA/eD1MxYgm82jgaYw
        gaMwHQYDVR0OBBYEFNcNNgGvgVBfZeuY8ox47Xuy2gMiMB8GA1UdIwQYMBaAFNcN
        NgGvgVBfZeuY8ox47Xuy2gMiMA8GA1UdEwEB/wQFMAMBAf8wUAYDVR0RBEkwR4IJ
        bG9jYWxob3N0gg0qLmV4YW1wbGUuY29thwR/AAABhxAgAQ24AAAAAAAAAAAAAAAB
        gRNzb21lb25lQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIQDTjRaDcfDa
        809y+yB+troHcCl6e1urMQrhHEPJU5Jf/wIgXYlyCjyxaQUFvcvTzyiIDdI06bVA
        K0qurBxrrJ6ETUs=
        -----END CERTIFICATE-----
        """

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
            try demand(IPv6Address(address) != nil, "\(address) of \(certificate) is no address")
        }
    }
}
