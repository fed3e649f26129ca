/// What a connection has whose protocol lends the buffers that it receives into.
final class BufferedReceiving {
    // Exclusivity: it belongs to a transport, and so to the loop's thread.

    /// The protocol; `nil` when one of another kind has taken over, or the connection is lost.
    @exclusivity(unchecked) var receiver: (any BufferedProtocol)?
    /// Its buffer, while the kernel fills it.
    @exclusivity(unchecked) private var buffer: OwnedBuffer?
    @exclusivity(unchecked) private var formerLender: (any BufferedProtocol)?

    var hasBuffer: Bool { buffer != nil }

    /// The kernel gets a buffer of the receiver's to fill. Its memory stays put until it is taken back.
    func keep(_ buffer: consuming OwnedBuffer) {
        self.buffer = consume buffer
        formerLender = nil
    }

    /// Another protocol takes over. Who has lent the buffer gets it back all the same, unless it is the same one again.
    func receiverChanges(to connectionProtocol: any ConnectionProtocol) {
        guard hasBuffer else { return }
        let lender = formerLender ?? receiver
        formerLender = connectionProtocol === lender ? nil : lender
    }

    /// The kernel is done with the buffer.
    func takeBack() -> OwnedBuffer {
        guard let buffer = buffer.take() else { preconditionFailure("a receive lost its buffer") }
        return buffer
    }

    /// The protocol that has lent the buffer, when another has taken over since.
    func takeFormerLender() -> (any BufferedProtocol)? {
        defer { formerLender = nil }
        return formerLender
    }

    /// Lets go of all but the protocol.
    func release() {
        buffer = nil
        formerLender = nil
    }
}
