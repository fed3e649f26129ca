#if NIO
    import NIOCore

    /// Makes accepted channels ready, and lets them through to the server's own end of the pipeline, where they begin.
    final class AcceptHandler: ChannelInboundHandler {
        typealias InboundIn = StreamChannel
        typealias InboundOut = StreamChannel

        private let initializer: (@Sendable (any Channel) -> EventLoopFuture<Void>)?
        private let options: ChannelOptions.Storage

        init(
            initializer: (@Sendable (any Channel) -> EventLoopFuture<Void>)?,
            options: ChannelOptions.Storage
        ) {
            self.initializer = initializer
            self.options = options
        }

        /// Who quiesces a server stops accepting.
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event is ChannelShouldQuiesceEvent {
                let context = context.loopBound
                context.value.channel.close().whenFailure { error in context.value.fireErrorCaught(error) }
            }
            context.fireUserInboundEventTriggered(event)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let accepted = Self.unwrapInboundIn(data)
            let (initializer, options) = (initializer, options)
            let isReady = accepted.nioLoop.flatSubmitHere {
                options.applyAllChannelOptions(to: accepted).flatMap {
                    initializer?(accepted) ?? accepted.eventLoop.makeSucceededVoidFuture()
                }
            }
            isReady.hop(to: context.eventLoop).assumeIsolated().whenComplete { result in
                switch result {
                case .success where context.channel.isActive:
                    context.fireChannelRead(Self.wrapInboundOut(accepted))
                case .success: self.drop(accepted, context, ChannelError.ioOnClosedChannel)
                case .failure(let error): self.drop(accepted, context, error)
                }
            }
        }

        private func drop(_ accepted: StreamChannel, _ context: ChannelHandlerContext, _ error: any Error) {
            accepted.close(promise: nil)
            context.fireErrorCaught(error)
        }
    }
#endif
