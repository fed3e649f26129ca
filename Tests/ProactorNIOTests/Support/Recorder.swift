#if NIO
    import NIOConcurrencyHelpers
    import NIOCore

    /// Writes down what a channel's handlers are told, in order.
    final class Recorder: ChannelInboundHandler, @unchecked Sendable {
        typealias InboundIn = ByteBuffer

        private let state = NIOLockedValueBox<[String]>([])
        private let waiters = NIOLockedValueBox<[(String, CheckedContinuation<Void, Never>)]>([])
        /// What it does besides, by the event's name.
        private let then: @Sendable (String, ChannelHandlerContext) -> Void

        init(_ then: @escaping @Sendable (String, ChannelHandlerContext) -> Void = { _, _ in }) {
            self.then = then
        }

        var events: [String] { state.withLockedValue { $0 } }

        /// The bytes of all messages, as text.
        var text: String {
            events.filter { $0.hasPrefix("read:") }.map { $0.dropFirst(5) }.joined()
        }

        /// Returns once something was told that begins so.
        func wait(for event: String) async {
            await withCheckedContinuation { continuation in
                let isThere = state.withLockedValue { events in
                    if events.contains(where: { $0.hasPrefix(event) }) { return true }
                    waiters.withLockedValue { $0.append((event, continuation)) }
                    return false
                }
                if isThere { continuation.resume() }
            }
        }

        func note(_ event: String, _ context: ChannelHandlerContext) {
            let ready = state.withLockedValue { events in
                events.append(event)
                return waiters.withLockedValue { waiters in
                    let ready = waiters.filter { event.hasPrefix($0.0) }
                    waiters.removeAll { event.hasPrefix($0.0) }
                    return ready
                }
            }
            then(event, context)
            for waiter in ready { waiter.1.resume() }
        }

        func channelRegistered(context: ChannelHandlerContext) { note("registered", context) }
        func channelUnregistered(context: ChannelHandlerContext) { note("unregistered", context) }
        func channelActive(context: ChannelHandlerContext) { note("active", context) }
        func channelInactive(context: ChannelHandlerContext) { note("inactive", context) }
        func channelReadComplete(context: ChannelHandlerContext) { note("readComplete", context) }
        func channelWritabilityChanged(context: ChannelHandlerContext) {
            note("writable:\(context.channel.isWritable)", context)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            note("read:\(String(buffer: Self.unwrapInboundIn(data)))", context)
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            note("event:\(event)", context)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            note("error:\(error)", context)
        }
    }

    /// Sends back what comes.
    final class Echo: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.write(data, promise: nil)
        }

        func channelReadComplete(context: ChannelHandlerContext) {
            context.flush()
        }
    }
#endif
