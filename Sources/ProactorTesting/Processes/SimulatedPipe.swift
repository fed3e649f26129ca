import Glibc
import Proactor

/// An end of a pipe, or of a FIFO.
final class PipeEnd: StreamEnd {
    let isReader: Bool

    /// What a pipe holds, in bytes, and what is written to it as a whole.
    static let capacity = 65_536
    static let wholeMax = 4_096

    init(host: HostKernel, isReader: Bool) {
        self.isReader = isReader
        super.init(host: host)
    }

    /// Both ends of a new pipe.
    static func makePair(host: HostKernel) -> (reading: PipeEnd, writing: PipeEnd) {
        let channel = StreamChannel(host.world, path: nil, sendCapacity: capacity, receiveCapacity: capacity)
        let (reading, writing) = (PipeEnd(host: host, isReader: true), PipeEnd(host: host, isReader: false))
        reading.attach(incoming: channel, outgoing: nil)
        writing.attach(incoming: nil, outgoing: channel)
        return (reading, writing)
    }

    override var kindName: StaticString { "pipe" }
    override var kind: DescriptorKind { .pipe }

    override var readiness: Readiness {
        var found: Readiness = []
        if let incoming {
            if incoming.hasUnread { found.insert(.read) }
            if incoming.hasEnded { found.formUnion([.read, .hangUp]) }
        }
        if let outgoing {
            if outgoing.hasRoom { found.insert(.write) }
            if outgoing.isReaderClosed { found.formUnion([.write, .hangUp]) }
        }
        return found
    }

    override var pollEvents: Int32 {
        let events = super.pollEvents
        return isReader ? events : events & ~POLLHUP | (isReaderGone ? POLLERR : 0)
    }

    /// Moves bytes on without a copy in between, as splice(2) does. Returns how many, or minus errno.
    func move(_ count: Int, to target: OpenFile) -> Int {
        guard let incoming else { return -Int(EBADF) }
        var bytes = [UInt8](repeating: 0, count: min(count, incoming.readableCount))
        let found = bytes.withUnsafeMutableBytes { incoming.look(into: $0) }
        guard found > 0 else { return incoming.hasEnded ? 0 : -Int(EAGAIN) }
        let moved = bytes.withUnsafeBytes { target.write(UnsafeRawBufferPointer(rebasing: $0[..<found])) }
        if moved > 0 { incoming.drop(moved) }
        return moved
    }

    var isReaderGone: Bool { outgoing?.isReaderClosed == true }

    override func read(into room: UnsafeMutableRawBufferPointer) -> Int {
        guard let incoming else { return -Int(EBADF) }
        let count = incoming.read(into: room)
        guard count == 0, room.count > 0 else { return count }
        return incoming.hasEnded ? 0 : -Int(EAGAIN)
    }

    override func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard let outgoing else { return -Int(EBADF) }
        guard !outgoing.isReaderClosed else { return -Int(EPIPE) }
        guard bytes.count > 0 else { return 0 }
        let count = outgoing.write(bytes, isWhole: bytes.count <= Self.wholeMax)
        return count > 0 ? count : -Int(EAGAIN)
    }

    override func peerClosed(unread: Bool) { changed() }

    override func closed(isCrash: Bool) {
        outgoing?.finish()
        detach(isCrash: false)
    }
}
