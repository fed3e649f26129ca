import SystemPackage

/// A datagram transport as another library of this package sees it: it tells what has become of each datagram.
package protocol AdaptedDatagrams: DatagramTransport {
    /// What was handed over and that the kernel has not taken, as ``DatagramTransport/writeBufferSize`` counts it; nobody is asked
    /// for it. `nil` once the endpoint is lost.
    var untakenByteCount: Int? { get }
    /// Who hears of it.
    var sendProgress: (any DatagramProgress)? { get set }
    /// Whether it receives. What the kernel has handed over already is delivered all the same.
    var isReceivingPaused: Bool { get set }
    /// What a datagram counts for besides its bytes.
    static var headerSize: Int { get }
}

/// Hears what has become of datagrams.
package protocol DatagramProgress: AnyObject {
    /// Whether anybody waits to hear.
    var waitsForProgress: Bool { get }
    /// The kernel has taken datagrams, or refused some. Called in a callback of its own.
    func datagramsWereTaken()
    /// The first of those that were not taken is dropped, as the kernel has refused it. Called amid a flush: only to be noted down.
    ///
    /// - Parameter byteCount: what it counts for, in bytes, its header included.
    func datagramWasRefused(_ errno: Errno, byteCount: Int)
}

extension DatagramSocketTransport: AdaptedDatagrams {
    static var headerSize: Int { DatagramQueue.headerSize }
    var untakenByteCount: Int? { isOpenOrFlushing ? unsentCount : nil }

    /// Has who waits for it hear of progress, in a callback of its own: a flush is no place for that.
    func tellProgress() {
        guard let sendProgress, sendProgress.waitsForProgress else { return }
        loop.ready.push(.callback { sendProgress.datagramsWereTaken() })
    }
}
