import COpenSSL
import Proactor
import SystemPackage

/// Where a private key comes from, and the passphrase that it may need.
///
/// A file is read when a context is made, and again by ``TLSContext/reload()``.
///
/// ```swift
/// let key = TLSPrivateKey.file("/etc/ssl/example/key.pem", passphrase: "correct horse")
/// ```
public struct TLSPrivateKey: Sendable {
    private enum Content {
        case file(FilePath)
        case bytes([UInt8])
    }

    private let content: Content
    private let passphrase: String?

    /// A file, PEM or DER.
    public static func file(_ path: FilePath, passphrase: String? = nil) -> TLSPrivateKey {
        TLSPrivateKey(content: .file(path), passphrase: passphrase)
    }

    /// Text (PEM).
    public static func pem(_ text: String, passphrase: String? = nil) -> TLSPrivateKey {
        TLSPrivateKey(content: .bytes(Array(text.utf8)), passphrase: passphrase)
    }

    /// Bytes (DER).
    public static func der(_ bytes: [UInt8], passphrase: String? = nil) -> TLSPrivateKey {
        TLSPrivateKey(content: .bytes(bytes), passphrase: passphrase)
    }

    func read() throws(TLSError) -> OpenSSLKey {
        let bytes: [UInt8]
        let name: String
        switch content {
        case .file(let path): (bytes, name) = (try TLSFile.bytes(of: path), path.string)
        case .bytes(let content): (bytes, name) = (content, "a private key in memory")
        }
        if let passphrase, passphrase.utf8.contains(0) {
            // C would take the part before it, which opens another key.
            throw TLSError(
                .context,
                .invalidSetting("the passphrase of \(name) holds a zero byte, and none can")
            )
        }
        var pointer: OpaquePointer?
        let result = cssl_read_key(bytes, bytes.count, passphrase, &pointer)
        if let pointer { return OpenSSLKey(pointer) }
        let detail =
            switch result {
            case CSSL_READ_NO_PASSPHRASE: "the key is encrypted, and no passphrase is given"
            case CSSL_READ_WRONG_PASSPHRASE: "the passphrase is not the key's"
            default: "there is no private key in it that the library knows: \(OpenSSLFailure.take().text)"
            }
        throw TLSError(.context, .unreadable(name), detail: detail)
    }
}

extension TLSPrivateKey: CustomStringConvertible {
    /// Where it comes from; never the key, nor its passphrase.
    public var description: String {
        switch content {
        case .file(let path): "the private key in \(path)"
        case .bytes: "a private key in memory"
        }
    }
}

extension TLSPrivateKey: CustomReflectable {
    /// Nothing: a key must not get into logs by `dump`.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
