import Glibc

/// What ``IOOperation/receiveDatagrams(_:_:)`` knows of a datagram besides its bytes. It must not move.
struct DatagramReception: BitwiseCopyable {
    /// For the kernel: asks for the source's address, and for nothing else.
    fileprivate var header = msghdr()
    /// Where a source's address is put that does not come with the bytes.
    fileprivate var name = sockaddr_storage()
    /// The room for a source's address.
    let nameCapacity: Int

    /// The source's address in the kernel's form, for as long as the completion's bytes.
    var source = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Whether the datagram was longer than what it was received into, and its end is lost.
    var isTruncated = false

    /// Makes one whose owner has to deallocate it, after the operation's final completion.
    static func allocate(for family: AddressFamily) -> UnsafeMutablePointer<DatagramReception> {
        let reception = UnsafeMutablePointer<DatagramReception>.allocate(capacity: 1)
        // A multiple of eight that any address of the family fits: what comes behind it stays aligned.
        let capacity = family == .unix ? 112 : 32
        reception.initialize(to: DatagramReception(nameCapacity: capacity))
        reception.headerPointer.pointee.msg_name = UnsafeMutableRawPointer(reception.namePointer)
        reception.prepare()
        return reception
    }

    private init(nameCapacity: Int) {
        self.nameCapacity = nameCapacity
    }
}

extension UnsafeMutablePointer<DatagramReception> {
    // The reception is plain memory that does not move, and each offset is that of its own stored property.

    /// Where the address of a source is put.
    var namePointer: UnsafeMutablePointer<sockaddr_storage> {
        (UnsafeMutableRawPointer(self) + MemoryLayout<DatagramReception>.offset(of: \.name)!)
            .assumingMemoryBound(to: sockaddr_storage.self)
    }

    /// The `msghdr` for the kernel.
    var headerPointer: UnsafeMutablePointer<msghdr> {
        (UnsafeMutableRawPointer(self) + MemoryLayout<DatagramReception>.offset(of: \.header)!)
            .assumingMemoryBound(to: msghdr.self)
    }

    /// Offers the room for an address anew: a receive overwrites it with what it used.
    func prepare() {
        headerPointer.pointee.msg_namelen = socklen_t(pointee.nameCapacity)
    }

    /// Notes where a datagram came from whose address was put at ``namePointer``.
    func noteName(length: Int, isTruncated: Bool) {
        let length = Swift.min(length, pointee.nameCapacity)
        pointee.source = UnsafeRawBufferPointer(start: namePointer, count: length)
        pointee.isTruncated = isTruncated
    }
}
