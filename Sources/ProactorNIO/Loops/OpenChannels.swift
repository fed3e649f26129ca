#if NIO
    import NIOCore
    import Proactor

    /// The channels of a loop that are registered and not closed: those that it closes in the end. On the loop's thread only.
    struct OpenChannels {
        private(set) var members: [BaseChannel] = []

        mutating func insert(_ channel: BaseChannel) {
            precondition(channel.registryIndex < 0, "a channel was registered twice")
            channel.registryIndex = members.count
            members.append(channel)
        }

        /// The last one takes the place of the one that goes.
        mutating func remove(_ channel: BaseChannel) {
            guard channel.registryIndex >= 0 else { return }
            let last = members.removeLast()
            if last !== channel {
                last.registryIndex = channel.registryIndex
                members[channel.registryIndex] = last
            }
            channel.registryIndex = -1
        }
    }

    extension NIOProactorEventLoop {
        /// Closes all channels, and takes no more. `whenDone` is called when the last one is closed.
        func closeChannels(_ whenDone: @escaping @Sendable () -> Void) {
            run {
                self.takesChannels = false
                let closing = self.channels.members
                let ends = closing.map(\.closeFuture)
                for channel in closing {
                    channel.close0(error: ChannelError.ioOnClosedChannel, mode: .all, promise: nil)
                }
                EventLoopFuture.andAllComplete(ends, on: self).whenComplete { _ in whenDone() }
            }
        }
    }
#endif
