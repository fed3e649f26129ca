import CTestCertificates
import ProactorTLS

/// A certificate that a test has made, and its key.
final class TestIdentity: @unchecked Sendable {
    let certificate: OpaquePointer
    let key: OpaquePointer

    fileprivate init(certificate: OpaquePointer, key: OpaquePointer) {
        self.certificate = certificate
        self.key = key
    }

    deinit {
        ctest_certificate_destroy(certificate)
        ctest_key_destroy(key)
    }

    var certificatePEM: String {
        withExtendedLifetime(self) { Self.text(ctest_certificate_pem(certificate)) }
    }
    var keyPEM: String { keyPEM(passphrase: nil) }
    var hash: UInt32 { withExtendedLifetime(self) { ctest_certificate_hash(certificate) } }

    var parsed: TLSCertificate {
        get throws { try TLSCertificate(Array(certificatePEM.utf8)) }
    }

    func keyPEM(passphrase: String?) -> String {
        withExtendedLifetime(self) { Self.text(ctest_key_pem(key, passphrase)) }
    }

    func keyDER(passphrase: String? = nil) -> [UInt8] {
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

/// Makes certificates, and trusts them.
final class TestAuthority: Sendable {
    /// One for all tests that need no other.
    static let shared = TestAuthority()
    /// One that nobody trusts who trusts the other.
    static let stranger = TestAuthority(named: "A stranger")

    let own: TestIdentity
    private let signer: TestIdentity?

    static let day: Int64 = 86_400

    init(named name: String = "Proactor's tests", signedBy signer: TestIdentity? = nil) {
        own = Self.make(name, names: nil, days: -1...365, isAuthority: true, usage: nil, signer: signer)
        self.signer = signer
    }

    /// - Parameter days: from when to when it is valid, from today.
    func identity(
        _ name: String = "a test's server",
        names: String? = "DNS:localhost,DNS:example.com,DNS:*.wild.example.com,IP:127.0.0.1,IP:::1",
        days: ClosedRange<Int64> = -1...30,
        usage: String? = nil
    ) -> TestIdentity {
        Self.make(name, names: names, days: days, isAuthority: false, usage: usage, signer: own)
    }

    /// A server that nobody has signed but itself.
    static func selfSigned() -> TestIdentity {
        make("localhost", names: "DNS:localhost", days: -1...30, isAuthority: false, usage: nil, signer: nil)
    }

    var trust: TLSTrust {
        get throws { .certificates([try own.parsed]) }
    }

    private static func make(
        _ name: String,
        names: String?,
        days: ClosedRange<Int64>,
        isAuthority: Bool,
        usage: String?,
        signer: TestIdentity?
    ) -> TestIdentity {
        guard let key = ctest_key_create() else { preconditionFailure("no key could be made") }
        let certificate = name.withCString { name in
            let make = { (names: UnsafePointer<CChar>?, usage: UnsafePointer<CChar>?) in
                var request = ctest_request()
                request.common_name = name
                request.names = names
                request.usage = usage
                request.from = days.lowerBound * day
                request.until = days.upperBound * day
                request.is_authority = isAuthority
                return withExtendedLifetime(signer) {
                    ctest_certificate_create(&request, key, signer?.certificate, signer?.key)
                }
            }
            return withOptional(names) { names in withOptional(usage) { make(names, $0) } }
        }
        guard let certificate else { preconditionFailure("no certificate could be made") }
        return TestIdentity(certificate: certificate, key: key)
    }

    private static func withOptional<Result>(
        _ text: String?,
        _ body: (UnsafePointer<CChar>?) -> Result
    ) -> Result {
        guard let text else { return body(nil) }
        return text.withCString { body($0) }
    }
}

extension TLSContext {
    static func testServer(
        _ identity: TestIdentity = TestAuthority.shared.identity(),
        _ change: (inout TLSConfiguration) throws -> Void = { _ in }
    ) throws -> TLSContext {
        var configuration = TLSConfiguration()
        try change(&configuration)
        return try .server(
            certificateChain: .pem(identity.certificatePEM),
            privateKey: .pem(identity.keyPEM),
            configuration: configuration
        )
    }

    static func testClient(
        trusting authority: TestAuthority = .shared,
        _ change: (inout TLSConfiguration) throws -> Void = { _ in }
    ) throws -> TLSContext {
        var configuration = TLSConfiguration()
        configuration.trust = try authority.trust
        try change(&configuration)
        return try .client(configuration)
    }
}
