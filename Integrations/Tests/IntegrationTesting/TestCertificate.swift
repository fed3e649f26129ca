import Foundation

/// A certificate for "localhost" that signs itself, in a folder of its own that goes with it.
public final class TestCertificate: Sendable {
    private let folder: URL
    public var certificate: String { folder.appendingPathComponent("certificate.pem").path }
    public var key: String { folder.appendingPathComponent("key.pem").path }

    public init() async throws {
        let place = FileManager.default.temporaryDirectory
        folder = place.appendingPathComponent("integrations-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let made = try await Program(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                "-keyout", key, "-out", certificate,
            ]
        ).run()
        guard made.status == 0 else { throw NoCertificate(output: made.text) }
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    private struct NoCertificate: Error {
        let output: String
    }
}
