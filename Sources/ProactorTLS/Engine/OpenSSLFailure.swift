import COpenSSL
import Proactor

/// What the library says of the thread's last call that failed.
struct OpenSSLFailure {
    let kind: Int32
    let number: Int32
    let text: String

    static var noMemory: TLSError { TLSError(.context, .other, detail: "the TLS library has no memory left") }

    /// - Parameter connection: whose call it was.
    static func take(_ connection: OpaquePointer? = nil) -> OpenSSLFailure {
        var failure = cssl_failure()
        cssl_take_failure(connection, &failure)
        let text = withUnsafeBytes(of: failure.text) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return OpenSSLFailure(kind: failure.kind, number: failure.number, text: text)
    }
}

extension OpenSSLEngine {
    /// The error of a call that has failed.
    func makeError(_ step: TLSError.Step) -> TLSError {
        let failure = OpenSSLFailure.take(connection)
        guard !isForeign else { return TLSError(step, .notTLS, side: side, detail: failure.text) }
        var detail = failure.text
        let reason: TLSError.Reason
        switch failure.kind {
        case CSSL_FAILURE_ALERT: reason = alertReason(failure.number, step)
        case CSSL_FAILURE_VERIFY:
            reason = verifyReason(failure.number)
            if let refused = cssl_refused_certificate(connection) {
                detail += ": \(TLSCertificate(OpenSSLCertificate(refused)).words)"
            }
        case CSSL_FAILURE_NO_CERTIFICATE: reason = .noCertificate
        case CSSL_FAILURE_NOTHING_IN_COMMON: reason = .nothingInCommon
        case CSSL_FAILURE_NO_PROTOCOL: reason = .noApplicationProtocol
        case CSSL_FAILURE_BROKEN_RECORD: reason = .brokenRecord
        // Once the handshake is over, only what came can be wrong.
        default: reason = step == .receive ? .brokenRecord : .other
        }
        return TLSError(step, reason, side: side, detail: detail)
    }

    private func alertReason(_ alert: Int32, _ step: TLSError.Step) -> TLSError.Reason {
        switch (alert, step) {
        case (TLSAlert.noApplicationProtocol, .handshake): .noApplicationProtocol
        case (TLSAlert.protocolVersion, .handshake), (TLSAlert.insufficientSecurity, .handshake):
            .nothingInCommon
        // Servers of TLS 1.2 mean by it that they want a certificate, too.
        case (TLSAlert.handshakeFailure, .handshake) where !cssl_was_asked_for_certificate(connection):
            .nothingInCommon
        default: .alert(UInt8(truncatingIfNeeded: alert))
        }
    }

    private func verifyReason(_ number: Int32) -> TLSError.Reason {
        switch number {
        case CSSL_VERIFY_EXPIRED: .certificateExpired
        case CSSL_VERIFY_NOT_YET_VALID: .certificateNotYetValid
        case CSSL_VERIFY_NAME: .wrongName(serverName?.text ?? "")
        case CSSL_VERIFY_AUTHORITY: .unknownAuthority
        default: .certificateRefused
        }
    }
}

/// Alerts that mean the same as what one finds out by oneself (RFC 8446, 6).
private enum TLSAlert {
    static let handshakeFailure: Int32 = 40
    static let protocolVersion: Int32 = 70
    static let insufficientSecurity: Int32 = 71
    static let noApplicationProtocol: Int32 = 120
}

extension TLSCertificate {
    /// Whose it is and what for, in words.
    fileprivate var words: String {
        let names = hostNames + addresses
        return
            "the certificate of \(subject) for \(names.isEmpty ? "no name" : names.joined(separator: ", "))"
    }
}
