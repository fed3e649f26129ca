import COpenSSL
import Proactor
import SystemPackage

/// A certificate as the library holds it.
///
/// It is never changed, and its reference count is atomic: any thread may have it.
final class OpenSSLCertificate: OpenSSLObject, @unchecked Sendable {
    let pointer: OpaquePointer

    /// Takes over a reference.
    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        cssl_certificate_release(pointer)
    }

    var bytes: [UInt8] {
        var start: UnsafeMutablePointer<UInt8>?
        let size = lend { cssl_certificate_bytes($0, &start) }
        defer { cssl_free(start) }
        return Array(UnsafeBufferPointer(start: start, count: size))
    }
}

/// A private key as the library holds it; never changed, like a certificate.
final class OpenSSLKey: OpenSSLObject, @unchecked Sendable {
    let pointer: OpaquePointer

    /// Takes over a reference.
    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        cssl_key_release(pointer)
    }
}

/// Reads certificates out of bytes.
enum TLSCertificateReader {
    /// All of them, in their order, one at least.
    ///
    /// - Parameter name: what the bytes are called where they make no sense.
    static func certificates(
        in bytes: [UInt8],
        called name: String,
        limit: Int = .max
    ) throws(TLSError) -> [OpenSSLCertificate] {
        var found: [OpenSSLCertificate] = []
        var position = 0
        while found.count < limit {
            var pointer: OpaquePointer?
            let result = cssl_read_certificate(bytes, bytes.count, &position, &pointer)
            if let pointer { found.append(OpenSSLCertificate(pointer)) }
            if result == CSSL_READ_NOTHING { break }
            guard result == CSSL_READ else {
                let detail = OpenSSLFailure.take().text
                throw TLSError(
                    .context,
                    .unreadable(name),
                    detail: "certificate \(found.count + 1) is broken: \(detail)"
                )
            }
        }
        guard !found.isEmpty else {
            throw TLSError(.context, .unreadable(name), detail: "there is no certificate in it")
        }
        return found
    }
}

/// Reads files, with errors that name them.
enum TLSFile {
    static func bytes(of path: FilePath) throws(TLSError) -> [UInt8] {
        var start: UnsafeMutablePointer<UInt8>?
        var size = 0
        let result = path.withPlatformString { cssl_read_file($0, &start, &size) }
        guard result == 0 else {
            throw TLSError(.context, .unreadable(path.string), detail: "\(Errno(rawValue: -result))")
        }
        defer { cssl_free(start) }
        // The shim has filled so many bytes there, and they are this function's.
        return Array(UnsafeBufferPointer(start: start, count: size))
    }

    /// The entries of a folder, and of each whether `openssl rehash` has named it.
    static func entries(of path: FilePath) throws(TLSError) -> [(name: String, isHash: Bool)] {
        final class Found {
            var entries: [(name: String, isHash: Bool)] = []
        }
        let found = Found()
        let result = path.withPlatformString { path in
            // Borrowed by the call, which ends before `found` does.
            cssl_list_folder(path, Unmanaged.passUnretained(found).toOpaque()) { context, name, isHash in
                guard let context, let name else { return }
                let found = Unmanaged<Found>.fromOpaque(context).takeUnretainedValue()
                found.entries.append((String(cString: name), isHash))
            }
        }
        guard result == 0 else {
            throw TLSError(.context, .unreadable(path.string), detail: "\(Errno(rawValue: -result))")
        }
        return found.entries
    }
}
