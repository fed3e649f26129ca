extension TLSError: CustomStringConvertible {
    /// What failed, on which side and why, and what can be done about it.
    public var description: String {
        let attempt = side.map { "\(step.rawValue) failed (as the \($0))" } ?? "\(step.rawValue) failed"
        let words = detail.isEmpty ? "" : " [\(detail)]"
        return "\(attempt): \(reason)\(words)"
    }
}

extension TLSError.Reason: CustomStringConvertible {
    /// What went wrong, and what can be done about it.
    public var description: String {
        switch self {
        case .certificateExpired, .certificateNotYetValid, .wrongName, .unknownAuthority, .certificateRefused,
            .noCertificate:
            aboutCertificate
        case .unreadable, .keyDoesNotFit, .invalidSetting: aboutSettings
        default: aboutConnection
        }
    }

    private var aboutCertificate: String {
        switch self {
        case .certificateExpired:
            "the peer's certificate has expired; it has to be renewed, unless this machine's clock is wrong"
        case .certificateNotYetValid:
            "the peer's certificate is not valid yet; this machine's clock may be wrong, or the one of whoever made it"
        case .wrongName(let name):
            "the peer's certificate is not for \"\(name)\"; ask for a name that it is for, or have it made for this one"
        case .unknownAuthority:
            "the peer's certificate leads to no authority that is trusted here; the server may not send its whole chain, or the "
                + "authority has to be added to the context's trust"
        case .noCertificate: "the peer has shown no certificate, and has to; give its context one"
        default: "the peer's certificate is not acceptable"
        }
    }

    private var aboutSettings: String {
        switch self {
        case .unreadable(let what): "\(what) could not be read"
        case .keyDoesNotFit:
            "the private key is not the certificate's; give the two that belong together, one's own first"
        case .invalidSetting(let which): which
        default: "the TLS library refuses it"
        }
    }

    private var aboutConnection: String {
        switch self {
        case .notTLS:
            "what the peer sends is no TLS; it may speak in plain on this port, or want an upgrade first (startTLS)"
        case .nothingInCommon:
            "the two have no version, cipher, group or signature in common; compare what both contexts allow"
        case .noApplicationProtocol:
            "the two have no application protocol in common (ALPN); compare applicationProtocols of both contexts"
        case .alert(let number): "the peer ended it by the alert \(TLSAlertText.text(of: number))"
        case .endOfStream:
            "the peer closed the connection amid the handshake; its log may say why, it may speak no TLS, or want a "
                + "certificate"
        case .truncated:
            "the stream ended without the peer's close_notify, so what has come may not be all; do not take it for complete "
                + "unless it says itself how long it is"
        case .timedOut(let limit): "it took longer than \(limit); the peer may be stuck, or speak no TLS"
        case .brokenRecord:
            "a record was broken on its way, or made up by somebody; what came before it is good"
        default: "the TLS library refuses it"
        }
    }
}

/// Alerts in words (RFC 8446, 6).
enum TLSAlertText {
    static func text(of number: UInt8) -> String {
        guard let (name, meaning) = known[number] else { return "\(number)" }
        return meaning.isEmpty ? "\(name) (\(number))" : "\(name) (\(number)): \(meaning)"
    }

    private static let known: [UInt8: (name: String, meaning: String)] = [
        10: ("unexpected_message", ""),
        20: ("bad_record_mac", "a record was broken on its way to it"),
        22: ("record_overflow", ""),
        40: ("handshake_failure", "it finds nothing in common, or wants a certificate"),
        42: ("bad_certificate", "it refuses this side's certificate"),
        43: ("unsupported_certificate", "it refuses this side's certificate"),
        44: ("certificate_revoked", "this side's certificate was revoked"),
        45: ("certificate_expired", "this side's certificate has expired"),
        46: ("certificate_unknown", "it refuses this side's certificate"),
        47: ("illegal_parameter", ""),
        48: ("unknown_ca", "it does not know the authority of this side's certificate; send the whole chain"),
        49: ("access_denied", "this side's certificate is good and not welcome"),
        50: ("decode_error", ""),
        51: ("decrypt_error", ""),
        70: ("protocol_version", "it speaks none of the versions offered"),
        71: ("insufficient_security", "it wants stronger ciphers"),
        80: ("internal_error", "its log may say more"),
        86: ("inappropriate_fallback", ""),
        90: ("user_canceled", ""),
        100: ("no_renegotiation", ""),
        109: ("missing_extension", ""),
        110: ("unsupported_extension", ""),
        112: ("unrecognized_name", "it is not the server of the name asked for"),
        113: ("bad_certificate_status_response", ""),
        115: ("unknown_psk_identity", ""),
        116: ("certificate_required", "it wants a certificate; give the context one"),
        120: ("no_application_protocol", "it speaks none of the application protocols offered"),
    ]
}
