/// The name of one operation, and the `user_data` of its submissions: kind (8 bits), generation (24), slot (32).
///
/// It never holds a descriptor: the kernel hands out a descriptor's number again while an old operation on it is still
/// in flight, and the completion would reach the wrong connection.
package struct OperationToken: Hashable, BitwiseCopyable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package init(kind: OperationKind, generation: UInt32, slot: UInt32) {
        rawValue = UInt64(kind.rawValue) << 56 | UInt64(generation & Self.generationMask) << 32 | UInt64(slot)
    }

    package static let generationMask: UInt32 = 0xff_ffff

    /// `nil` when the number was never a token.
    package var kind: OperationKind? { OperationKind(rawValue: UInt8(truncatingIfNeeded: rawValue >> 56)) }
    /// Whether it names an operation of that kind. Cheaper than ``kind``, which is made in a call.
    @inline(__always)
    func isOf(_ kind: OperationKind) -> Bool { UInt8(truncatingIfNeeded: rawValue >> 56) == kind.rawValue }

    /// Whether its operation ends with what the kernel has taken of a stream that goes out.
    @inline(__always)
    var takesBytes: Bool {
        isOf(.send) || isOf(.sendNow) || isOf(.sendMessage) || isOf(.sendMessageNow) || isOf(.pipeWrite)
            || isOf(.pipeWriteVector)
    }

    /// Whether a positive result of its operation is a count of bytes from a stream.
    @inline(__always)
    var bringsBytes: Bool {
        isOf(.receive) || isOf(.receiveOnce) || isOf(.receiveInto) || isOf(.receiveMessage) || isOf(.pipeRead)
            || isOf(.pipeReadInto)
    }

    package var generation: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) & Self.generationMask }
    package var slot: UInt32 { UInt32(truncatingIfNeeded: rawValue) }
}
