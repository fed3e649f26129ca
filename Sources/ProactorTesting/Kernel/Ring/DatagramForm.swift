import CUring
import Glibc
import Proactor

/// How a ring hands over a datagram and where it came from.
enum DatagramForm {
    /// By a multishot receive: all of it in the buffer. Returns how many bytes of that are used.
    static func fill(
        _ room: UnsafeMutableRawBufferPointer,
        _ reception: DatagramReception,
        _ datagram: DatagramSocket.Datagram
    ) -> Int {
        let nameStart = MemoryLayout<curing_datagram_head>.size
        let start = nameStart + reception.nameCapacity + reception.controlCapacity
        let count = min(datagram.bytes.count, room.count - start)
        let form = try? datagram.source.kernelForm()
        let head = curing_datagram_head(
            name_length: form?.length ?? 0,
            control_length: 0,
            payload_length: UInt32(datagram.bytes.count),
            flags: count < datagram.bytes.count ? UInt32(MSG_TRUNC) : 0
        )
        room.storeBytes(of: head, as: curing_datagram_head.self)
        if let form {
            let length = min(Int(form.length), reception.nameCapacity)
            withUnsafeBytes(of: form.storage) {
                room[nameStart..<nameStart + length].copyBytes(from: $0[..<length])
            }
        }
        room[start..<start + count].copyBytes(from: datagram.bytes[..<count])
        return start + count
    }

    /// By a single one: its bytes in the buffer, and the rest where the `msghdr` says. Returns how many bytes there are.
    static func fill(
        _ header: UnsafeMutablePointer<msghdr>,
        _ room: UnsafeMutableRawBufferPointer,
        _ datagram: DatagramSocket.Datagram
    ) -> Int {
        let count = min(datagram.bytes.count, room.count)
        room[..<count].copyBytes(from: datagram.bytes[..<count])
        header.pointee.msg_flags = count < datagram.bytes.count ? Int32(MSG_TRUNC) : 0
        header.pointee.msg_controllen = 0
        guard let name = header.pointee.msg_name, let form = try? datagram.source.kernelForm() else {
            header.pointee.msg_namelen = 0
            return count
        }
        // The header's memory has room for so many bytes.
        let length = min(Int(header.pointee.msg_namelen), Int(form.length))
        withUnsafeBytes(of: form.storage) {
            name.copyMemory(from: $0.baseAddress!, byteCount: length)
        }
        header.pointee.msg_namelen = form.length
        return count
    }
}
