import ProactorTLS
import TestCertificates

/// A server's certificate for localhost, for the soak's servers, and whom its clients trust.
struct SoakContexts {
    let server: TLSContext
    let client: TLSContext

    init() throws {
        server = try .testServer()
        client = try .testClient()
    }
}
