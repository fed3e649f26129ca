#if NIO
    import NIOCore
    import Proactor

    extension StreamChannel {
        func setStreamOption<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
            guard phase.isOpen else { throw ChannelError.ioOnClosedChannel }
            switch option {
            case is ChannelOptions.Types.ConnectTimeoutOption:
                connectTimeout = value as? TimeAmount
            case is ChannelOptions.Types.AllowRemoteHalfClosureOption:
                if let value = value as? Bool { allowsHalfClosure = value }
            default:
                try setOutputOption(option, value: value)
            }
        }

        func streamOption<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            guard phase.isOpen else { throw ChannelError.ioOnClosedChannel }
            switch option {
            case is ChannelOptions.Types.ConnectTimeoutOption:
                return try answer(connectTimeout, to: option, as: Option.Value.self)
            case is ChannelOptions.Types.AllowRemoteHalfClosureOption:
                return try answer(allowsHalfClosure, to: option, as: Option.Value.self)
            default:
                return try outputOption(option)
            }
        }
    }
#endif
