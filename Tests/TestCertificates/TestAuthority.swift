import CTestCertificates
import ProactorTLS

/// Makes certificates, and trusts them.
package final class TestAuthority: Sendable {
    /// One for all tests that need no other.
    package static let shared = TestAuthority()
    /// One that nobody trusts who trusts the other.
    package static let stranger = TestAuthority(named: "A stranger")

    package let own: TestIdentity
    private let signer: TestIdentity?

    package static let day: Int64 = 86_400

    package init(named name: String = "Proactor's tests", signedBy signer: TestIdentity? = nil) {
        own = Self.make(name, names: nil, days: -1...365, isAuthority: true, usage: nil, signer: signer)
        self.signer = signer
    }

    /// - Parameter days: from when to when it is valid, from today.
    package func identity(
        _ name: String = "a test's server",
        names: String? = "DNS:localhost,DNS:example.com,DNS:*.wild.example.com,IP:127.0.0.1,IP:::1",
        days: ClosedRange<Int64> = -1...30,
        usage: String? = nil
    ) -> TestIdentity {
        Self.make(name, names: names, days: days, isAuthority: false, usage: usage, signer: own)
    }

    /// A server that nobody has signed but itself.
    package static func selfSigned() -> TestIdentity {
        make("localhost", names: "DNS:localhost", days: -1...30, isAuthority: false, usage: nil, signer: nil)
    }

    package var trust: TLSTrust {
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
