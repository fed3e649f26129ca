import CPattern
import Glibc
import NIOCore

/// Sends the pattern without end, for as long as the channel is writable.
final class SourceHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let period = Int(cpattern_period)
    /// Between two looks at the other channels.
    private static let messagesPerTurn = 16

    /// The period, and as much more as makes a message from any position one piece.
    private let pattern: ByteBuffer
    private let messageBytes: Int
    private var position = 0

    init(messageBytes: Int) {
        self.messageBytes = messageBytes
        pattern = Self.patterns(messageBytes)
    }

    func channelActive(context: ChannelHandlerContext) { send(context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { send(context) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func send(_ context: ChannelHandlerContext) {
        for _ in 0..<Self.messagesPerTurn {
            guard context.channel.isActive, context.channel.isWritable else { return }
            // A slice shares the storage.
            guard let message = pattern.getSlice(at: position, length: messageBytes) else { return }
            position = (position + messageBytes) % Self.period
            context.writeAndFlush(wrapOutboundOut(message), promise: nil)
        }
        let again = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let (handler, context) = again.value
            handler.send(context)
        }
    }

    private static func patterns(_ messageBytes: Int) -> ByteBuffer {
        let length = period + messageBytes
        guard let bytes = cpattern_create(messageBytes) else {
            preconditionFailure("no memory for the pattern")
        }
        defer { free(bytes) }
        return ByteBuffer(bytes: UnsafeRawBufferPointer(start: bytes, count: length))
    }
}
