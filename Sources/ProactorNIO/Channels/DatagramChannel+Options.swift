#if NIO
    import NIOCore
    import Proactor

    extension DatagramChannel {
        /// What SwiftNIO offers besides is about control messages and about how datagrams are read and sent in one call, which the
        /// transport decides by itself.
        func setDatagramOption<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
            if Self.isAboutControlMessages(option) { throw ChannelError.operationUnsupported }
            // The transport receives as many by one call as there are.
            if option is ChannelOptions.Types.DatagramVectorReadMessageCountOption { return }
            try setOutputOption(option, value: value)
        }

        func datagramOption<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            if Self.isAboutControlMessages(option) { throw ChannelError.operationUnsupported }
            if option is ChannelOptions.Types.DatagramVectorReadMessageCountOption {
                return try answer(0, to: option, as: Option.Value.self)
            }
            return try outputOption(option)
        }

        private static func isAboutControlMessages(_ option: some ChannelOption) -> Bool {
            switch option {
            case is ChannelOptions.Types.ExplicitCongestionNotificationsOption,
                is ChannelOptions.Types.ReceivePacketInfo,
                is ChannelOptions.Types.DatagramSegmentSize,
                is ChannelOptions.Types.DatagramReceiveOffload,
                is ChannelOptions.Types.DatagramReceiveSegmentSize:
                true
            default: false
            }
        }
    }
#endif
