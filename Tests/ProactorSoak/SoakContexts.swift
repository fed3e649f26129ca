import CTestCertificates
import ProactorTLS

/// A certificate for localhost that has signed itself, for the soak's servers and clients.
struct SoakContexts {
    let server: TLSContext
    let client: TLSContext

    private static let day: Int64 = 86_400

    init() throws {
        guard let key = ctest_key_create() else { throw SoakProblem("no key could be made") }
        defer { ctest_key_destroy(key) }
        let certificate = "localhost".withCString { name in
            "DNS:localhost".withCString { names in
                var request = ctest_request()
                request.common_name = name
                request.names = names
                request.from = -Self.day
                request.until = Self.day
                return ctest_certificate_create(&request, key, nil, nil)
            }
        }
        guard let certificate else { throw SoakProblem("no certificate could be made") }
        defer { ctest_certificate_destroy(certificate) }
        let chain = Self.text(ctest_certificate_pem(certificate))
        server = try .server(
            certificateChain: .pem(chain),
            privateKey: .pem(Self.text(ctest_key_pem(key, nil)))
        )
        var configuration = TLSConfiguration()
        configuration.trust = .certificates([try TLSCertificate(Array(chain.utf8))])
        client = try .client(configuration)
    }

    private static func text(_ text: UnsafeMutablePointer<CChar>?) -> String {
        guard let text else { return "" }
        defer { ctest_free(text) }
        return String(cString: text)
    }
}
