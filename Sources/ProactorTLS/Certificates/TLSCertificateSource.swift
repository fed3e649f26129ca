import Proactor
import SystemPackage

/// Where a certificate chain comes from: one's own certificate first, then whoever signed the one before, without the root.
///
/// A file is read when a context is made, and again by ``TLSContext/reload()``.
///
/// ```swift
/// let chain = TLSCertificateSource.file("/etc/ssl/example/fullchain.pem")
/// ```
public struct TLSCertificateSource: Hashable, Sendable {
    private enum Content: Hashable {
        case file(FilePath)
        case bytes([UInt8])
        case certificates([TLSCertificate])
    }

    private let content: Content

    /// A file, PEM or DER.
    public static func file(_ path: FilePath) -> TLSCertificateSource {
        TLSCertificateSource(content: .file(path))
    }

    /// Text (PEM).
    public static func pem(_ text: String) -> TLSCertificateSource {
        TLSCertificateSource(content: .bytes(Array(text.utf8)))
    }

    /// Bytes (DER), one certificate behind the other.
    public static func der(_ bytes: [UInt8]) -> TLSCertificateSource {
        TLSCertificateSource(content: .bytes(bytes))
    }

    /// What is already read.
    public static func certificates(_ certificates: [TLSCertificate]) -> TLSCertificateSource {
        TLSCertificateSource(content: .certificates(certificates))
    }

    func read() throws(TLSError) -> [OpenSSLCertificate] {
        switch content {
        case .file(let path):
            return try TLSCertificateReader.certificates(in: TLSFile.bytes(of: path), called: path.string)
        case .bytes(let bytes):
            return try TLSCertificateReader.certificates(in: bytes, called: "a certificate chain in memory")
        case .certificates(let certificates):
            guard !certificates.isEmpty else {
                throw TLSError(
                    .context,
                    .invalidSetting("the certificate chain is empty; give one's own certificate first")
                )
            }
            return try TLSCertificateReader.certificates(
                in: certificates.flatMap(\.bytes),
                called: "a certificate chain in memory"
            )
        }
    }
}
