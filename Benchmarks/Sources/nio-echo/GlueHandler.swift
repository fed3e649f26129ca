import NIOCore
import NIOPosix
import ProactorNIO

/// One side of a forwarder, as in SwiftNIO's example of a proxy: it reads only while its partner is writable.
final class GlueHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var partner: GlueHandler?
    private var context: ChannelHandlerContext?
    private var isReadPending = false

    /// Connects `channel`, which does not read yet, to a port of 127.0.0.1.
    static func forward(_ channel: any Channel, to port: UInt16) -> EventLoopFuture<Void> {
        bootstrap(on: channel.eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 16)
            .connect(host: "127.0.0.1", port: Int(port))
            .flatMapThrowing { upstream in
                let (mine, others) = (GlueHandler(), GlueHandler())
                (mine.partner, others.partner) = (others, mine)
                try channel.pipeline.syncOperations.addHandler(mine)
                try upstream.pipeline.syncOperations.addHandler(others)
                for side in [channel, upstream] {
                    try side.syncOptions?.setOption(.autoRead, value: true)
                }
            }
    }

    private static func bootstrap(on loop: any EventLoop) -> any NIOClientTCPBootstrapProtocol {
        NIOProactorClientBootstrap(validatingGroup: loop) ?? ClientBootstrap(group: loop)
    }

    private var isWritable: Bool { context?.channel.isWritable ?? false }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        partner = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        partner?.context?.write(data, promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        partner?.context?.flush()
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        partner?.context?.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { partner?.readIfPending() }
    }

    func read(context: ChannelHandlerContext) {
        if partner?.isWritable == true {
            context.read()
        } else {
            isReadPending = true
        }
    }

    private func readIfPending() {
        guard isReadPending else { return }
        isReadPending = false
        context?.read()
    }
}
