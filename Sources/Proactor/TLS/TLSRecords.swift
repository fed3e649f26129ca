/// The encrypted bytes of one connection, as its ``TLSEngine`` sees them: what has come, and room for what is to be sent.
///
/// It is lent for a call. What has come lies where the loop received it; what is put goes into the transport's own memory.
///
/// ```swift
/// let taken = records.take(into: room)
/// if taken == 0, records.isAtEnd { /* the peer is gone */ }
/// ```
public final class TLSRecords {
    // Exclusivity: all of it belongs to the loop's thread, and an engine's calls do not overlap. Other modules would check the
    // stored properties all the same, so they see computed ones.

    /// What has come and was not taken. It lives as long as the call of the engine that it is lent for.
    @exclusivity(unchecked) var incoming = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Whether nothing will come behind it.
    public internal(set) var isAtEnd: Bool {
        get { atEnd }
        set { atEnd = newValue }
    }
    @exclusivity(unchecked) private var atEnd = false
    /// How many bytes may still be put. An engine seals no more than that has room for, its records' overhead included.
    public internal(set) var room: Int {
        get { roomLeft }
        set { roomLeft = newValue }
    }
    @exclusivity(unchecked) private var roomLeft = Int.max
    /// Takes what is put, at once.
    @exclusivity(unchecked) var outlet: (UnsafeRawBufferPointer) -> Void = { _ in }

    init() {}

    /// How many bytes have come that were not taken, in bytes.
    public var count: Int { incoming.count }

    /// Moves bytes that have come into `room`, as many as there are and as fit.
    ///
    /// - Returns: how many; none when nothing is there, and see ``isAtEnd`` then.
    public func take(into room: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(room.count, incoming.count)
        guard count > 0 else { return 0 }
        room.copyMemory(from: UnsafeRawBufferPointer(rebasing: incoming[..<count]))
        incoming = UnsafeRawBufferPointer(rebasing: incoming[count...])
        return count
    }

    /// Sends bytes, all or none of them.
    ///
    /// - Returns: false where there is no room: the peer has not taken what was put before.
    public func put(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= room else { return false }
        room -= bytes.count
        outlet(bytes)
        return true
    }
}
