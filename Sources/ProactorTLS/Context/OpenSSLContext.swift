import COpenSSL
import Proactor

/// A context as the library holds it.
///
/// It is set up by whoever makes it, and never changed afterwards; connections of any thread are made of it.
final class OpenSSLContext: OpenSSLObject, @unchecked Sendable {
    let pointer: OpaquePointer
    private let side: TLSSide
    /// Which sessions belong together.
    private var scope: [UInt8] = []

    init(
        _ side: TLSSide,
        _ configuration: TLSConfiguration,
        _ chain: TLSCertificateSource?,
        _ key: TLSPrivateKey?
    ) throws(TLSError) {
        try configuration.check(for: side)
        guard OpenSSLCalls.areKnown, let pointer = cssl_context_create(side == .server) else {
            throw OpenSSLFailure.noMemory
        }
        self.pointer = pointer
        self.side = side
        try setVersionsAndCiphers(configuration)
        try setProtocols(configuration.applicationProtocols, side)
        try setIdentity(chain, key)
        if side == .client { try setClient(configuration) } else { try setServer(configuration) }
        if configuration.keyLog != nil { cssl_context_log(pointer) }
    }

    deinit {
        cssl_context_release(pointer)
    }

    /// Before anybody else has this one.
    func shareTickets(of other: OpenSSLContext) {
        guard side == .server, other.lend({ cssl_context_share_tickets(pointer, $0) }) else { return }
        scope = other.scope
        _ = cssl_context_set_session_scope(pointer, scope, scope.count)
    }

    // MARK: Versions, ciphers, groups

    private func setVersionsAndCiphers(_ configuration: TLSConfiguration) throws(TLSError) {
        let (minimum, maximum) = (configuration.minimumVersion, configuration.maximumVersion)
        guard cssl_context_set_versions(pointer, minimum.rawValue, maximum.rawValue) else { throw refusal() }
        try setEach(configuration.ciphers, "cipher of TLS 1.2", isName: Self.isName) { name in
            cssl_context_set_ciphers(pointer, name)
        }
        guard configuration.cipherSuites.isEmpty || cssl_can_choose_suites() else {
            throw TLSError(
                .context,
                .invalidSetting(
                    "BoringSSL speaks all cipher suites of TLS 1.3, by a preference of its own; leave cipherSuites empty, "
                        + "or build without the trait BoringSSL"
                ),
                side: side
            )
        }
        try setEach(configuration.cipherSuites, "cipher suite of TLS 1.3") { name in
            // What it does not know it may pass over.
            cssl_context_set_suites(pointer, name)
                && name.split(separator: ":").allSatisfy { cssl_context_has_cipher(pointer, String($0)) }
        }
        try setEach(configuration.groups, "group") { name in cssl_context_set_groups(pointer, name) }
    }

    /// Tries each of a list by itself, to say which one is wrong, and then sets them all.
    private func setEach(
        _ names: [String],
        _ kind: String,
        isName: (String) -> Bool = { _ in true },
        _ set: (String) -> Bool
    ) throws(TLSError) {
        guard !names.isEmpty else { return }
        for name in names where isName(name) || name.utf8.contains(0) {
            // Of a name with a zero byte C would take the part before it.
            guard !name.isEmpty, !name.utf8.contains(0), set(name) else {
                let detail = OpenSSLFailure.take().text
                throw TLSError(
                    .context,
                    .invalidSetting("there is no \(kind) called \"\(name)\"; see what `openssl` lists"),
                    detail: detail
                )
            }
        }
        guard set(names.joined(separator: ":")) else { throw refusal() }
    }

    /// Whether it stands for ciphers by itself, and does not take away from others.
    private static func isName(_ word: String) -> Bool {
        !(word.first.map { "!-+@".contains($0) } ?? false)
    }

    private func setProtocols(_ protocols: [String], _ side: TLSSide) throws(TLSError) {
        guard !protocols.isEmpty else { return }
        let bytes = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        guard cssl_context_set_protocols(pointer, side == .server, bytes, bytes.count) else {
            throw refusal()
        }
    }

    // MARK: One's own certificate

    private func setIdentity(_ chain: TLSCertificateSource?, _ key: TLSPrivateKey?) throws(TLSError) {
        guard let chain, let key else { return }
        let certificates = try chain.read()
        guard certificates[0].lend({ cssl_context_use_certificate(pointer, $0) }) else { throw refusal() }
        for certificate in certificates.dropFirst() {
            guard certificate.lend({ cssl_context_add_to_chain(pointer, $0) }) else { throw refusal() }
        }
        guard try key.read().lend({ cssl_context_use_key(pointer, $0) }) else { throw refusal() }
    }

    // MARK: Sides

    private func setClient(_ configuration: TLSConfiguration) throws(TLSError) {
        if configuration.serverVerification != .nothing {
            try setTrust(configuration.trust)
            cssl_context_set_verification(pointer, CSSL_PEER_REQUIRED)
        }
        if configuration.rememberedServers > 0 { cssl_context_keep_sessions(pointer) }
    }

    private func setServer(_ configuration: TLSConfiguration) throws(TLSError) {
        guard cssl_context_set_tickets(pointer, Int32(configuration.ticketCount)) else { throw refusal() }
        if configuration.chooseContext != nil { cssl_context_choose(pointer) }
        scope = Array("proactor".utf8)
        if configuration.clientCertificates != .notAskedFor {
            let trust = try setTrust(configuration.trust)
            for authority in trust.certificates {
                authority.lend { cssl_context_name_authority(pointer, $0) }
            }
            let isRequired = configuration.clientCertificates == .required
            cssl_context_set_verification(pointer, isRequired ? CSSL_PEER_REQUIRED : CSSL_PEER_ASKED)
            // A session that another context has allowed is none that this one would.
            scope = (0..<16).map { _ in UInt8.random(in: 0...255) }
        }
        guard cssl_context_set_session_scope(pointer, scope, scope.count) else { throw refusal() }
    }

    @discardableResult
    private func setTrust(_ trust: TLSTrust) throws(TLSError) -> OpenSSLTrust {
        let made = try trust.make()
        made.lend { cssl_context_set_trust(pointer, $0) }
        // Who names certificates means these, also one that signs nothing.
        cssl_context_set_partial_chains(pointer, !trust.isSystem)
        return made
    }

    private func refusal() -> TLSError {
        let failure = OpenSSLFailure.take()
        let isOfKey = failure.kind == CSSL_FAILURE_KEY_DOES_NOT_FIT
        return TLSError(.context, isOfKey ? .keyDoesNotFit : .other, detail: failure.text)
    }
}
