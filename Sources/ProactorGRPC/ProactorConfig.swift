#if GRPC
    import GRPCNIOTransportHTTP2Posix

    /// What of an `HTTP2ServerTransport.Proactor` can be configured: the same as of grpc-swift's own transports.
    ///
    /// ```swift
    /// var config = ProactorConfig.defaults
    /// config.rpc.maxRequestPayloadSize = 64 * 1024
    /// ```
    public struct ProactorConfig: Sendable {
        /// Which algorithms messages may be compressed by.
        public var compression = HTTP2ServerTransport.Config.Compression.defaults
        /// How long connections live, and how they are probed.
        public var connection = HTTP2ServerTransport.Config.Connection.defaults
        /// Sizes of frames and windows, and how many calls a connection may have.
        public var http2 = HTTP2ServerTransport.Config.HTTP2.defaults
        /// How large a message may be.
        public var rpc = HTTP2ServerTransport.Config.RPC.defaults
        /// Called with channels as they are made.
        public var channelDebuggingCallbacks = HTTP2ServerTransport.Config.ChannelDebuggingCallbacks.defaults

        /// The usual values.
        public static var defaults: Self { Self() }
    }
#endif
