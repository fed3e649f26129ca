/// What makes and opens the records of one TLS connection. It has bytes on both sides, and neither a descriptor nor a transport.
///
/// Proactor owns the transport and the order of things; an engine brings the cryptography, as `TLSContext` of ProactorTLS does by
/// OpenSSL. Records come from and go to ``TLSRecords``, which is lent for each call. A call goes as far as it can, and says what it
/// lacks. An error that it throws ends the connection: what it has put by then, an alert most of all, is still sent.
///
/// Thread rule: one connection's engine is used by its loop's thread only, and never within another of its calls.
public protocol TLSEngine: AnyObject {
    /// Goes on with the handshake. Called first for a client too, with no records yet.
    ///
    /// - Returns: ``TLSProgress/done`` once application data may be sent. Records that came behind the handshake's may be left in
    ///   `records`, or be kept inside; ``open(_:into:)`` brings both.
    /// - Throws: ``TLSError``.
    func handshake(_ records: TLSRecords) throws(TLSError) -> TLSProgress

    /// Opens records, and puts their plaintext into the room, which is not empty, from its beginning.
    ///
    /// It may put records on its own account: answers to key updates, tickets, alerts.
    ///
    /// - Returns: how much plaintext there is, and why it is not more.
    /// - Throws: ``TLSError``. Plaintext that was opened before a broken record is returned first, the error thrown by the next call.
    func open(
        _ records: TLSRecords,
        into room: UnsafeMutableRawBufferPointer
    ) throws(TLSError) -> (byteCount: Int, progress: TLSProgress)

    /// Seals bytes, of which there are some, and puts their records.
    ///
    /// - Returns: how many of them are in records that were put, or are kept inside and go with the next call; fewer than there are
    ///   only where `records` has no room, or where a record is needed from the peer first.
    /// - Throws: ``TLSError``.
    func seal(
        _ plaintext: UnsafeRawBufferPointer,
        _ records: TLSRecords
    ) throws(TLSError) -> (byteCount: Int, progress: TLSProgress)

    /// Says that nothing follows: close_notify. Not called amid a handshake, after an error, nor twice.
    ///
    /// - Returns: ``TLSProgress/done``, or ``TLSProgress/needsRoom``, and then it is called again.
    /// - Throws: ``TLSError``.
    func sendCloseNotify(_ records: TLSRecords) throws(TLSError) -> TLSProgress

    /// Whether ``open(_:into:)`` may bring plaintext without further records.
    var hasPending: Bool { get }

    /// What is known of the connection, such as ``ExtraInfoKey/tlsProtocolVersion``; `nil` for what the engine does not know.
    func extraInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value?
}

/// How far a call of a ``TLSEngine`` has come.
///
/// ```swift
/// let progress = TLSProgress.needsRecords
/// ```
public enum TLSProgress: Hashable, Sendable {
    /// As far as it was to go.
    case done
    /// It needs more records of the peer than have come.
    case needsRecords
    /// It has more to send than ``TLSRecords`` has room for.
    case needsRoom
    /// The peer has said that nothing follows (close_notify).
    case peerClosed
}
