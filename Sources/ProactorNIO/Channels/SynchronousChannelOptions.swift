#if NIO
    import NIOCore
    import Proactor

    /// The options of a channel, for who is on its loop's thread.
    struct SynchronousChannelOptions: NIOSynchronousChannelOptions {
        let channel: BaseChannel

        func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
            channel.nioLoop.preconditionInEventLoop(file: #fileID, line: #line)
            try channel.setOption0(option, value: value)
        }

        func getOption<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            channel.nioLoop.preconditionInEventLoop(file: #fileID, line: #line)
            return try channel.getOption0(option)
        }
    }

    extension ChannelOptions.Types.SocketOption {
        /// The same as this library has it.
        var proactorOption: Proactor.SocketOption {
            Proactor.SocketOption(level: optionLevel.rawValue, name: optionName.rawValue)
        }
    }

    /// What SwiftNIO offers of socket options that are no integers: `setSoLinger`, `getTCPInfo` and their like.
    extension BaseChannel: SocketOptionProvider {
        final func unsafeSetSocketOption<Value: Sendable>(
            level: SocketOptionLevel,
            name: SocketOptionName,
            value: Value
        ) -> EventLoopFuture<Void> {
            nioLoop.submitHere {
                try self.setRawOption(Proactor.SocketOption(level: Int32(level), name: name), to: value)
            }
        }

        final func unsafeSetSocketOption<Value: Sendable>(
            level: NIOBSDSocket.OptionLevel,
            name: NIOBSDSocket.Option,
            value: Value
        ) -> EventLoopFuture<Void> {
            unsafeSetSocketOption(
                level: SocketOptionLevel(level.rawValue),
                name: SocketOptionName(name.rawValue),
                value: value
            )
        }

        final func unsafeGetSocketOption<Value: Sendable>(
            level: SocketOptionLevel,
            name: SocketOptionName
        ) -> EventLoopFuture<Value> {
            nioLoop.submitHere { try self.rawOption(Proactor.SocketOption(level: Int32(level), name: name)) }
        }

        final func unsafeGetSocketOption<Value: Sendable>(
            level: NIOBSDSocket.OptionLevel,
            name: NIOBSDSocket.Option
        ) -> EventLoopFuture<Value> {
            unsafeGetSocketOption(
                level: SocketOptionLevel(level.rawValue),
                name: SocketOptionName(name.rawValue)
            )
        }
    }

    extension NIOProactorEventLoop {
        /// As `submit`, and at once on the loop's thread.
        func submitHere<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) -> EventLoopFuture<
            Value
        > {
            inEventLoop ? makeCompletedFuture(withResultOf: body) : submit(body)
        }
    }
#endif
