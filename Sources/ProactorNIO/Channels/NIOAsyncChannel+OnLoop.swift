#if NIO
    import NIOCore
    import Proactor

    import protocol NIOCore.EventLoop

    extension NIOAsyncChannel {
        /// As `executeThenClose`, with the task on the channel's loop meanwhile: its steps run on that thread, and so reading and writing
        /// take no hop. For channels of this library; any other runs where it would.
        ///
        /// ```swift
        /// try await connection.executeThenCloseOnLoop { inbound, outbound in
        ///     for try await message in inbound { try await outbound.write(message) }
        /// }
        /// ```
        public func executeThenCloseOnLoop<Result: Sendable>(
            _ body:
                @Sendable (
                    _ inbound: NIOAsyncChannelInboundStream<Inbound>,
                    _ outbound: NIOAsyncChannelOutboundWriter<Outbound>
                ) async throws -> Result
        ) async throws -> Result {
            try await withTaskExecutorPreference(channel.eventLoop.executorOfLoop) {
                try await executeThenClose { inbound, outbound in try await body(inbound, outbound) }
            }
        }
    }

    extension EventLoop {
        /// This library's loop as a task's executor; `nil` for a loop of another's.
        var executorOfLoop: (any TaskExecutor)? { (self as? NIOProactorEventLoop)?.taskExecutor }
    }
#endif
