import CUring
import Glibc

extension UringBackend {
    /// What an operation receives into.
    func providedBuffers(of token: OperationToken) -> ProvidedBuffers {
        if token.isOf(.receiveOnce) { return singleBuffers ?? streamBuffers }
        guard token.isOf(.receiveDatagrams) else { return streamBuffers }
        guard let datagramBuffers else { preconditionFailure("a datagram before there were buffers") }
        return datagramBuffers
    }

    /// One step of a receive of datagrams. Each, or several that the kernel joined, has a buffer to itself.
    func deliverDatagram(
        _ completion: RingCompletion,
        _ record: UnsafeMutablePointer<OperationTable.Record>,
        _ reception: UnsafeMutablePointer<DatagramReception>,
        token: OperationToken
    ) {
        let buffers = providedBuffers(of: token)
        let piece = completion.hasBuffer ? buffers.take(completion) : .none
        var bytes = piece.bytes
        var result = completion.result
        if result >= 0 {
            bytes =
                features.multishotReceive ? unpack(bytes, into: reception) : noteSource(of: bytes, reception)
            if bytes.count > datagramSizeMax {
                // The buffer has room for control messages, and there were less of them.
                bytes = UnsafeRawBufferPointer(rebasing: bytes[..<datagramSizeMax])
                reception.pointee.isTruncated = true
            }
            result = Int32(bytes.count)
            // An empty one is work too.
            count(max(result, 1), record)
        }
        if completion.hasMore {
            if hadItsShare(record, completion.result) { interrupt(record, token: token) }
            call(
                record.pointee.owner,
                Completion(token: token, result: result, isFinal: false, bytes: bytes)
            )
        } else {
            conclude(result, record, token: token, bytes: bytes)
        }
        // `record` may have moved: the owner may have submitted.
        buffers.giveBack(piece.spentBuffer)
    }

    /// A multishot receive's buffer: the kernel's word about the datagram, room for its source's address and for control
    /// messages, the datagram.
    private func unpack(
        _ buffer: UnsafeRawBufferPointer,
        into reception: UnsafeMutablePointer<DatagramReception>
    ) -> UnsafeRawBufferPointer {
        let nameStart = MemoryLayout<curing_datagram_head>.size
        let controlStart = nameStart + reception.pointee.nameCapacity
        let start = controlStart + reception.pointee.controlCapacity
        precondition(buffer.count >= start, "the kernel wrote half a datagram's head")
        let head = buffer.loadUnaligned(as: curing_datagram_head.self)
        // The kernel says how long the address is; what of it found no room was left out.
        let nameEnd = nameStart + min(Int(head.name_length), reception.pointee.nameCapacity)
        reception.pointee.source = UnsafeRawBufferPointer(rebasing: buffer[nameStart..<nameEnd])
        let controlEnd = controlStart + min(Int(head.control_length), reception.pointee.controlCapacity)
        reception.pointee.note(
            flags: Int32(bitPattern: head.flags),
            UnsafeRawBufferPointer(rebasing: buffer[controlStart..<controlEnd])
        )
        return UnsafeRawBufferPointer(rebasing: buffer[start...])
    }

    /// A single receive's buffer holds the datagram alone, and the rest is where the `msghdr` says.
    private func noteSource(
        of bytes: UnsafeRawBufferPointer,
        _ reception: UnsafeMutablePointer<DatagramReception>
    ) -> UnsafeRawBufferPointer {
        reception.noteHeader()
        return bytes
    }
}
