/// A protocol that receives straight into buffers of its own.
///
/// A buffer changes hands: the transport takes it from ``getBuffer(sizeHint:)``, lets the kernel fill the room behind its
/// bytes, and gives it back with ``bufferUpdated(_:received:)``. So neither side can touch it at the wrong time.
///
/// ```swift
/// final class Counter: BufferedProtocol {
///     private var spare: OwnedBuffer? = OwnedBuffer(capacity: 65_536)
///     private(set) var total = 0
///     func getBuffer(sizeHint: Int) -> OwnedBuffer {
///         spare.take() ?? OwnedBuffer(capacity: 65_536)
///     }
///     func bufferUpdated(_ buffer: consuming OwnedBuffer, received count: Int) {
///         total += count
///         buffer.removeAll()
///         spare = consume buffer
///     }
/// }
/// ```
public protocol BufferedProtocol: ConnectionProtocol {
    /// A buffer with room. `sizeHint` is how much room would be good, in bytes. A full buffer is an error that closes the
    /// transport. A protocol that hands over to another within the call gets its buffer back.
    func getBuffer(sizeHint: Int) throws -> OwnedBuffer
    /// The buffer back, with `count` more bytes in it, never none.
    func bufferUpdated(_ buffer: consuming OwnedBuffer, received count: Int) throws
    /// The buffer back as it was handed over, because receiving into it ended: reading was paused, the stream is at its end, or
    /// another protocol has taken over, which gets what came meanwhile. Keep it if it holds bytes that you still want. Without
    /// an implementation it is freed.
    func bufferReturned(_ buffer: consuming OwnedBuffer)
}

extension BufferedProtocol {
    public func bufferReturned(_ buffer: consuming OwnedBuffer) {}
}
