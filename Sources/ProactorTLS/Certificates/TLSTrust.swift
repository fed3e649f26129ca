import COpenSSL
import Proactor
import SystemPackage

/// The authorities whose certificates are believed.
///
/// ```swift
/// var configuration = TLSConfiguration()
/// configuration.trust = .file("/etc/ssl/example/authority.pem")
/// ```
public struct TLSTrust: Hashable, Sendable {
    private enum Content: Hashable {
        case system
        case file(FilePath)
        case folder(FilePath)
        case certificates([TLSCertificate])
    }

    private let content: Content

    /// The system's. Looked up once for the process and shared by all its contexts; the environment variables `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` say where, if they are set.
    ///
    /// Where the system has a folder with one file for each authority, named as `openssl rehash` does, that is used, and an
    /// authority is read when a first connection needs it.
    public static var system: TLSTrust { TLSTrust(content: .system) }

    /// All certificates of a file, PEM or DER.
    public static func file(_ path: FilePath) -> TLSTrust { TLSTrust(content: .file(path)) }

    /// The certificates of a folder: read when they are needed, if it has names as `openssl rehash` makes them, else all
    /// `.pem`, `.crt`, `.cer` and `.der` files at once.
    public static func folder(_ path: FilePath) -> TLSTrust { TLSTrust(content: .folder(path)) }

    /// These, and no others. A certificate that is no authority's is trusted for itself.
    public static func certificates(_ certificates: [TLSCertificate]) -> TLSTrust {
        TLSTrust(content: .certificates(certificates))
    }

    var isSystem: Bool { content == .system }

    func make() throws(TLSError) -> OpenSSLTrust {
        switch content {
        case .system: return try OpenSSLTrust.system.get()
        case .file(let path):
            return try OpenSSLTrust(
                TLSCertificateReader.certificates(in: TLSFile.bytes(of: path), called: path.string)
            )
        case .folder(let path): return try OpenSSLTrust(folder: path)
        case .certificates(let certificates):
            guard !certificates.isEmpty else {
                throw TLSError(
                    .context,
                    .invalidSetting(
                        "no certificate is trusted, so every connection would be refused; give one at least"
                    )
                )
            }
            return try OpenSSLTrust(
                TLSCertificateReader.certificates(
                    in: certificates.flatMap(\.bytes),
                    called: "trusted certificates in memory"
                )
            )
        }
    }
}

/// Trusted certificates as the library holds them: shared by contexts, and locked within.
final class OpenSSLTrust: OpenSSLObject, @unchecked Sendable {
    let pointer: OpaquePointer
    /// Those that were read at once.
    private(set) var certificates: [OpenSSLCertificate] = []

    private init() throws(TLSError) {
        guard let pointer = cssl_trust_create() else { throw OpenSSLFailure.noMemory }
        self.pointer = pointer
    }

    deinit {
        cssl_trust_release(pointer)
    }

    convenience init(_ certificates: [OpenSSLCertificate]) throws(TLSError) {
        try self.init()
        for certificate in certificates { try add(certificate) }
    }

    convenience init(folder path: FilePath) throws(TLSError) {
        try self.init()
        let entries = try TLSFile.entries(of: path)
        guard !entries.contains(where: \.isHash) else {
            try addFolder(path)
            return
        }
        for entry in entries
        where Self.extensions.contains(FilePath(entry.name).extension?.lowercased() ?? "") {
            let file = path.appending(entry.name)
            for certificate in try TLSCertificateReader.certificates(
                in: TLSFile.bytes(of: file),
                called: file.string
            ) {
                try add(certificate)
            }
        }
        guard !certificates.isEmpty else {
            throw TLSError(
                .context,
                .invalidSetting(
                    "there is no certificate in the folder \(path); put .pem files there, or choose another"
                )
            )
        }
    }

    private static let extensions: Set<String> = ["pem", "crt", "cer", "der"]

    private func add(_ certificate: OpenSSLCertificate) throws(TLSError) {
        guard certificate.lend({ cssl_trust_add(pointer, $0) }) else {
            throw TLSError(.context, .other, detail: OpenSSLFailure.take().text)
        }
        certificates.append(certificate)
    }

    private func addFolder(_ path: FilePath) throws(TLSError) {
        guard path.withPlatformString({ cssl_trust_add_folder(pointer, $0) }) else {
            throw TLSError(.context, .unreadable(path.string), detail: OpenSSLFailure.take().text)
        }
    }

    // MARK: The system's

    /// Found once: sharing it costs a context next to nothing.
    static let system: Result<OpenSSLTrust, TLSError> = .init { () throws(TLSError) -> OpenSSLTrust in
        let folders = String(cString: cssl_system_trust_folder())
        let file = FilePath(String(cString: cssl_system_trust_file()))
        return try ofSystem(
            folders: folders.split(separator: ":").map { FilePath(String($0)) },
            files: [file] + bundles
        )
    }

    /// Where distributions keep all authorities in one file.
    private static let bundles: [FilePath] = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
    ]

    static func ofSystem(folders: [FilePath], files: [FilePath]) throws(TLSError) -> OpenSSLTrust {
        let trust = try OpenSSLTrust()
        var found = false
        for folder in folders {
            let entries = (try? TLSFile.entries(of: folder)) ?? []
            guard entries.contains(where: \.isHash) else { continue }
            try trust.addFolder(folder)
            found = true
        }
        // What is in the folder is in the files too.
        if found { return trust }
        for file in files {
            guard let bytes = try? TLSFile.bytes(of: file),
                let certificates = try? TLSCertificateReader.certificates(in: bytes, called: file.string)
            else { continue }
            for certificate in certificates { try trust.add(certificate) }
            return trust
        }
        throw TLSError(
            .context,
            .invalidSetting(
                "this system has no certificate authorities, neither in \(folders) nor in \(files); install the package "
                    + "ca-certificates, or set SSL_CERT_FILE, or give the context a trust of its own"
            )
        )
    }
}
