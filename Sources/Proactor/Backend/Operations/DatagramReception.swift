import Glibc

/// What ``IOOperation/receiveDatagrams(_:_:)`` knows of a datagram besides its bytes. It must not move.
///
/// Of the kernel's control messages one matters here, the note of how it joined datagrams (`UDP_GRO`). But the socket's options are
/// the program's: whatever else it has asked for comes along, before the note or behind it.
package struct DatagramReception: BitwiseCopyable {
    /// Room for all that a program can have asked for. Times, marks, interfaces, types of service, labels and the like take less
    /// than 2 KiB together. IPv6 has four extension headers of up to 2 KiB that come in an old and in a new form.
    static let controlRoom = 20 * 1024

    /// For the kernel: asks for the source's address, and of UDP whether it joined datagrams.
    fileprivate var header = msghdr()
    /// Where a source's address is put that does not come with the bytes.
    fileprivate var name = sockaddr_storage()
    /// Where control messages are put that do not come with the bytes, when the memory is this one's own.
    fileprivate var ownControl: UnsafeMutableRawPointer?
    /// The room for a source's address.
    package let nameCapacity: Int
    /// The room for control messages. None for Unix sockets, which never join datagrams: the kernel then drops what comes with
    /// a datagram, descriptors among it, and nothing leaks.
    package let controlCapacity: Int

    /// The source's address in the kernel's form, for as long as the completion's bytes.
    var source = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Whether the datagram was longer than what it was received into, and its end is lost.
    var isTruncated = false
    /// When the kernel has joined datagrams that one sender sent in a row: how long each is, but for the last, which may be
    /// shorter. Zero for a single one.
    var segmentSize = 0
    /// Whether control messages found no room, and a note of joined datagrams may be among those.
    var mayLackSegmentSize = false

    /// Makes one whose owner has to call `free`, after the operation's final completion.
    ///
    /// - Parameter controlRoom: at most what is usual.
    static func allocate(
        for family: AddressFamily,
        controlRoom: Int = Self.controlRoom
    ) -> UnsafeMutablePointer<DatagramReception> {
        precondition(controlRoom <= Self.controlRoom, "more room for control messages than buffers have")
        let reception = UnsafeMutablePointer<DatagramReception>.allocate(capacity: 1)
        // A multiple of eight that any address of the family fits: what comes behind it stays aligned.
        let capacity = family == .unix ? 112 : 32
        let control = family == .unix ? 0 : controlRoom
        reception.initialize(to: DatagramReception(nameCapacity: capacity, controlCapacity: control))
        reception.headerPointer.pointee.msg_name = UnsafeMutableRawPointer(reception.namePointer)
        reception.prepare()
        return reception
    }

    /// What comes before a datagram in a buffer of a ring's, at most, in bytes.
    package static let prefixMax = 192 + controlRoom

    private init(nameCapacity: Int, controlCapacity: Int) {
        self.nameCapacity = nameCapacity
        self.controlCapacity = controlCapacity
    }

    /// Memory that several receptions may use for control messages, one after the other.
    static func allocateControlRoom() -> UnsafeMutableRawPointer {
        .allocate(byteCount: controlRoom, alignment: MemoryLayout<cmsghdr>.alignment)
    }

    /// Notes what the kernel says besides the address: the flags of a `msghdr`, and control messages.
    mutating func note(flags: Int32, _ messages: UnsafeRawBufferPointer) {
        isTruncated = flags & Int32(MSG_TRUNC) != 0
        let size = messages.isEmpty ? nil : ControlMessages(bytes: messages).integer(of: .joinDatagrams)
        segmentSize = max(Int(size ?? 0), 0)
        mayLackSegmentSize = flags & Int32(MSG_CTRUNC) != 0 && size == nil && controlCapacity > 0
    }
}

extension UnsafeMutablePointer<DatagramReception> {
    // The reception is plain memory that does not move, and each offset is that of its own stored property.

    /// Where the address of a source is put.
    fileprivate var namePointer: UnsafeMutablePointer<sockaddr_storage> {
        (UnsafeMutableRawPointer(self) + MemoryLayout<DatagramReception>.offset(of: \.name)!)
            .assumingMemoryBound(to: sockaddr_storage.self)
    }

    /// The `msghdr` for the kernel.
    package var headerPointer: UnsafeMutablePointer<msghdr> {
        (UnsafeMutableRawPointer(self) + MemoryLayout<DatagramReception>.offset(of: \.header)!)
            .assumingMemoryBound(to: msghdr.self)
    }

    /// Offers the room for an address and control messages anew: a receive overwrites it with what it used.
    package func prepare() {
        headerPointer.pointee.msg_namelen = socklen_t(pointee.nameCapacity)
        headerPointer.pointee.msg_controllen = pointee.controlCapacity
    }

    /// Notes a datagram of a kernel that puts it here without a `msghdr`: where it came from, and whether its end is lost.
    package func note(from address: KernelAddress?, isTruncated: Bool) {
        let length = Swift.min(Int(address?.length ?? 0), pointee.nameCapacity)
        if let address { namePointer.pointee = address.storage }
        pointee.source = UnsafeRawBufferPointer(start: namePointer, count: length)
        pointee.note(flags: 0, UnsafeRawBufferPointer(start: nil, count: 0))
        pointee.isTruncated = isTruncated
    }

    /// Has control messages put into memory as ``DatagramReception/allocateControlRoom()`` makes it.
    func useControlRoom(_ memory: UnsafeMutableRawPointer) {
        headerPointer.pointee.msg_control = pointee.controlCapacity > 0 ? memory : nil
    }

    /// Has them put into memory of this reception's own: another's receive may be under way at the same time.
    package func useOwnControlRoom() {
        guard pointee.controlCapacity > 0, pointee.ownControl == nil else { return }
        let memory = DatagramReception.allocateControlRoom()
        pointee.ownControl = memory
        useControlRoom(memory)
    }

    /// Notes what the kernel has put into the `msghdr` and where that points.
    func noteHeader() {
        let header = headerPointer.pointee
        let length = Swift.min(Int(header.msg_namelen), pointee.nameCapacity)
        pointee.source = UnsafeRawBufferPointer(start: namePointer, count: length)
        // The kernel wrote so many bytes there, and never beyond the room.
        let controlLength =
            header.msg_control == nil ? 0 : Swift.min(header.msg_controllen, pointee.controlCapacity)
        pointee.note(
            flags: header.msg_flags,
            UnsafeRawBufferPointer(start: header.msg_control, count: controlLength)
        )
    }

    func free() {
        pointee.ownControl?.deallocate()
        deallocate()
    }
}
