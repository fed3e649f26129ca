import NIOCore

/// Cuts a stream into lines, or into messages of one size.
struct FrameDecoder: ByteToMessageDecoder {
    typealias InboundOut = ByteBuffer

    enum Framing: Sendable {
        /// Each with its line feed.
        case lines
        case exact(byteCount: Int)
    }

    let framing: Framing

    mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        guard let byteCount = nextByteCount(in: buffer), let frame = buffer.readSlice(length: byteCount)
        else { return .needMoreData }
        context.fireChannelRead(Self.wrapInboundOut(frame))
        return .continue
    }

    /// What is left at the end is no frame.
    mutating func decodeLast(
        context: ChannelHandlerContext,
        buffer: inout ByteBuffer,
        seenEOF: Bool
    ) throws -> DecodingState {
        try decode(context: context, buffer: &buffer)
    }

    /// Of the next frame; nil while it has not come whole.
    private func nextByteCount(in buffer: ByteBuffer) -> Int? {
        switch framing {
        case .exact(let byteCount): return buffer.readableBytes >= byteCount ? byteCount : nil
        case .lines:
            let bytes = buffer.readableBytesView
            return bytes.firstIndex(of: UInt8(ascii: "\n")).map { $0 - bytes.startIndex + 1 }
        }
    }
}
