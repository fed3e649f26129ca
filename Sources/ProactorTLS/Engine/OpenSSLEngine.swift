import COpenSSL
import Proactor

/// TLS by OpenSSL: a connection of the library's, which reads out of and writes into what is lent for a call.
final class OpenSSLEngine: TLSEngine {
    let side: TLSSide
    /// Whom a client means to reach.
    let serverName: TLSServerName?
    /// The connection's own; this object destroys it.
    let connection: OpaquePointer
    /// A server's may become another one, when the client has said whom it wants.
    @exclusivity(unchecked) private(set) var context: TLSContext
    /// What came first was no record.
    @exclusivity(unchecked) private(set) var isForeign = false

    /// What `context` was made of at that moment.
    @exclusivity(unchecked) private var material: OpenSSLContext
    /// Lent for the call that is under way, which outlives each use of it.
    @exclusivity(unchecked) private var lent: Unmanaged<TLSRecords>?
    /// What few connections have.
    @exclusivity(unchecked) private var failure: Failure?
    @exclusivity(unchecked) private var isEstablished = false
    /// Bytes of the first record's head that were looked at.
    @exclusivity(unchecked) private var headCount = 0

    /// A record's content at the most (RFC 8446, 5.1).
    private static let recordSizeMax = 16_384
    /// What a record takes beyond its content at the most: head, explicit nonce or padding, and seal.
    private static let overheadMax = 320

    init(
        side: TLSSide,
        serverName: TLSServerName?,
        context: TLSContext,
        material: OpenSSLContext
    ) throws(TLSError) {
        guard let connection = material.lend({ cssl_connection_create($0, side == .server) }) else {
            throw OpenSSLFailure.noMemory
        }
        self.side = side
        self.serverName = serverName
        self.connection = connection
        self.context = context
        self.material = material
        // Not retained: the connection is destroyed before this object is gone, and calls back only within a call of it.
        cssl_connection_set_owner(connection, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        cssl_connection_destroy(connection, fatal == nil)
    }

    /// What has gone wrong.
    private final class Failure {
        var fatal: TLSError?
        var held: TLSError?
    }

    /// What has broken the connection. Nothing works after it.
    private var fatal: TLSError? { failure?.fatal }

    /// What was found behind plaintext, and is told by the next call.
    private var held: TLSError? {
        get { failure?.held }
        set { note { $0.held = newValue } }
    }

    private func note(_ change: (Failure) -> Void) {
        let failure = self.failure ?? Failure()
        self.failure = failure
        change(failure)
    }

    var hasPending: Bool { held != nil || cssl_has_plaintext(connection) }

    // MARK: Handshake

    func handshake(_ records: TLSRecords) throws(TLSError) -> TLSProgress {
        if let fatal { throw fatal }
        guard !isEstablished else { return .done }
        switch lend(records, { cssl_handshake(connection) }) {
        case CSSL_DONE:
            isEstablished = true
            return .done
        case CSSL_NEEDS_ROOM: return .needsRoom
        case CSSL_NEEDS_RECORDS where !records.isAtEnd: return .needsRecords
        case CSSL_NEEDS_RECORDS, CSSL_CLOSED:
            throw broken(TLSError(.handshake, isForeign ? .notTLS : .endOfStream, side: side))
        default: throw broken(makeError(.handshake))
        }
    }

    // MARK: Data

    func open(
        _ records: TLSRecords,
        into room: UnsafeMutableRawBufferPointer
    ) throws(TLSError) -> (byteCount: Int, progress: TLSProgress) {
        if let held {
            self.held = nil
            throw held
        }
        if let fatal { throw fatal }
        var count = 0
        switch lend(records, { cssl_read(connection, room.baseAddress, room.count, &count) }) {
        case CSSL_DONE: return (count, .done)
        case CSSL_NEEDS_ROOM: return (count, .needsRoom)
        case CSSL_CLOSED: return (count, .peerClosed)
        case CSSL_NEEDS_RECORDS where !records.isAtEnd: return (count, .needsRecords)
        // The connection itself knows nothing of the end, and can still be written to.
        case CSSL_NEEDS_RECORDS: held = TLSError(.receive, .truncated, side: side)
        default: held = broken(makeError(.receive))
        }
        guard count == 0, let error = held else { return (count, .done) }
        held = nil
        throw error
    }

    func seal(
        _ plaintext: UnsafeRawBufferPointer,
        _ records: TLSRecords
    ) throws(TLSError) -> (byteCount: Int, progress: TLSProgress) {
        if let fatal { throw fatal }
        var sealed = 0
        var status = CSSL_DONE
        lend(records) {
            while sealed < plaintext.count, status == CSSL_DONE {
                let size = min(plaintext.count - sealed, Self.recordSizeMax)
                // Not tried: a record that was made and found no room would have to be kept inside.
                guard records.room >= size + Self.overheadMax else {
                    status = CSSL_NEEDS_ROOM
                    break
                }
                var count = 0
                status = cssl_write(connection, plaintext.baseAddress.map { $0 + sealed }, size, &count)
                sealed += count
            }
        }
        switch status {
        case CSSL_DONE: return (sealed, .done)
        case CSSL_NEEDS_ROOM: return (sealed, .needsRoom)
        case CSSL_NEEDS_RECORDS: return (sealed, .needsRecords)
        default: throw broken(makeError(.send))
        }
    }

    func sendCloseNotify(_ records: TLSRecords) throws(TLSError) -> TLSProgress {
        if let fatal { throw fatal }
        switch lend(records, { cssl_close_notify(connection) }) {
        case CSSL_DONE, CSSL_NEEDS_RECORDS, CSSL_CLOSED: return .done
        case CSSL_NEEDS_ROOM: return .needsRoom
        default: throw broken(makeError(.shutdown))
        }
    }

    /// Asks for new keys on both sides, with the next record.
    func updateKeys() -> Bool { cssl_update_keys(connection) }

    private func lend<Result>(_ records: TLSRecords, _ body: () -> Result) -> Result {
        // The caller holds `records` until this returns, and nothing keeps it longer.
        lent = Unmanaged.passUnretained(records)
        defer { lent = nil }
        return body()
    }

    private func broken(_ error: TLSError) -> TLSError {
        note { $0.fatal = error }
        return error
    }

    // MARK: What the library calls

    func take(into room: UnsafeMutableRawBufferPointer) -> Int {
        guard let lent else { return 0 }
        let count = lent._withUnsafeGuaranteedRef { $0.take(into: room) }
        if headCount < TLSRecordHead.count, count > 0 {
            lookAtHead(UnsafeRawBufferPointer(rebasing: room[..<count]))
        }
        return count
    }

    var hasMore: Bool { lent?._withUnsafeGuaranteedRef { $0.count > 0 } ?? false }

    func put(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let lent else { return false }
        return lent._withUnsafeGuaranteedRef { $0.put(bytes) }
    }

    func choose(_ name: String?) -> OpaquePointer? {
        guard let chosen = context.configuration.chooseContext?(name), chosen.side == .server else {
            return nil
        }
        context = chosen
        material = chosen.current()
        // Held by `material` until another one is chosen, which is not within the call of the library's that asks.
        return material.pointer
    }

    func keep(_ session: OpaquePointer) {
        guard let serverName, side == .client else { return }
        context.sessions.add(session, for: serverName)
    }

    private func lookAtHead(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes.prefix(TLSRecordHead.count - headCount) {
            if !TLSRecordHead.allows(byte, at: headCount) { isForeign = true }
            headCount += 1
        }
    }
}

/// How every record begins: what it is, and 3 for TLS.
private enum TLSRecordHead {
    static let count = 2

    static func allows(_ byte: UInt8, at place: Int) -> Bool {
        place == 0 ? (20...24).contains(byte) : byte == 3
    }
}
