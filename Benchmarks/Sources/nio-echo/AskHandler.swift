import CLines
import NIOCore

/// Sends each line back that begins with '?', and only looks at all others.
final class AskHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var lines = clines()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
            guard let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
            var position = 0
            var question: UnsafePointer<UInt8>?
            while true {
                let count = clines_next_question(&lines, start, bytes.count, &position, &question)
                guard count > 0, let question else { return }
                var answer = context.channel.allocator.buffer(capacity: count)
                answer.writeBytes(UnsafeRawBufferPointer(start: question, count: count))
                context.write(wrapOutboundOut(answer), promise: nil)
            }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
