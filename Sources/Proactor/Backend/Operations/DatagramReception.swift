import Glibc

/// What ``IOOperation/receiveDatagrams(_:_:)`` knows of a datagram besides its bytes. It must not move.
struct DatagramReception: BitwiseCopyable {
    /// Room for one control message with an integer, which says how datagrams were joined.
    fileprivate typealias Control = (UInt64, UInt64, UInt64)

    /// For the kernel: asks for the source's address, and of UDP whether it joined datagrams.
    fileprivate var header = msghdr()
    /// Where a source's address is put that does not come with the bytes.
    fileprivate var name = sockaddr_storage()
    /// Where a control message is put that does not come with the bytes.
    fileprivate var control: Control = (0, 0, 0)
    /// The room for a source's address.
    let nameCapacity: Int
    /// The room for control messages; none for Unix sockets, which never join datagrams.
    let controlCapacity: Int

    /// The source's address in the kernel's form, for as long as the completion's bytes.
    var source = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Whether the datagram was longer than what it was received into, and its end is lost.
    var isTruncated = false
    /// When the kernel has joined datagrams that one sender sent in a row: how long each is, but for the last, which may be
    /// shorter. Zero for a single one.
    var segmentSize = 0

    /// Makes one whose owner has to deallocate it, after the operation's final completion.
    static func allocate(for family: AddressFamily) -> UnsafeMutablePointer<DatagramReception> {
        let reception = UnsafeMutablePointer<DatagramReception>.allocate(capacity: 1)
        // A multiple of eight that any address of the family fits: what comes behind it stays aligned.
        let capacity = family == .unix ? 112 : 32
        let control = family == .unix ? 0 : MemoryLayout<Control>.size
        reception.initialize(to: DatagramReception(nameCapacity: capacity, controlCapacity: control))
        reception.headerPointer.pointee.msg_name = UnsafeMutableRawPointer(reception.namePointer)
        if control > 0 { reception.headerPointer.pointee.msg_control = reception.controlPointer }
        reception.prepare()
        return reception
    }

    private init(nameCapacity: Int, controlCapacity: Int) {
        self.nameCapacity = nameCapacity
        self.controlCapacity = controlCapacity
    }

    /// Reads from the kernel's control messages how datagrams were joined.
    mutating func noteControl(_ messages: UnsafeRawBufferPointer) {
        segmentSize = 0
        let dataStart = MemoryLayout<cmsghdr>.size
        // Only one kind was asked for, so it is the first if it is there.
        guard messages.count >= dataStart + MemoryLayout<Int32>.size else { return }
        let head = messages.loadUnaligned(as: cmsghdr.self)
        guard head.cmsg_level == SocketOption.joinDatagrams.level,
            head.cmsg_type == SocketOption.joinDatagrams.name
        else { return }
        segmentSize = max(Int(messages.loadUnaligned(fromByteOffset: dataStart, as: Int32.self)), 0)
    }
}

extension UnsafeMutablePointer<DatagramReception> {
    // The reception is plain memory that does not move, and each offset is that of its own stored property.

    /// Where the address of a source is put.
    fileprivate var namePointer: UnsafeMutablePointer<sockaddr_storage> {
        (UnsafeMutableRawPointer(self) + MemoryLayout<DatagramReception>.offset(of: \.name)!)
            .assumingMemoryBound(to: sockaddr_storage.self)
    }

    /// Where control messages are put.
    fileprivate var controlPointer: UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(self) + MemoryLayout<DatagramReception>.offset(of: \.control)!
    }

    /// The `msghdr` for the kernel.
    var headerPointer: UnsafeMutablePointer<msghdr> {
        (UnsafeMutableRawPointer(self) + MemoryLayout<DatagramReception>.offset(of: \.header)!)
            .assumingMemoryBound(to: msghdr.self)
    }

    /// Offers the room for an address and control messages anew: a receive overwrites it with what it used.
    func prepare() {
        headerPointer.pointee.msg_namelen = socklen_t(pointee.nameCapacity)
        headerPointer.pointee.msg_controllen = pointee.controlCapacity
    }

    /// Notes what the kernel has put into the `msghdr` and where that points.
    func noteHeader(isTruncated: Bool) {
        let header = headerPointer.pointee
        let length = Swift.min(Int(header.msg_namelen), pointee.nameCapacity)
        pointee.source = UnsafeRawBufferPointer(start: namePointer, count: length)
        pointee.isTruncated = isTruncated
        let controlLength = Swift.min(Int(header.msg_controllen), pointee.controlCapacity)
        pointee.noteControl(UnsafeRawBufferPointer(start: controlPointer, count: controlLength))
    }
}
