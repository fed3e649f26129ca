#if NIO
    import NIOCore
    import Proactor
    import Synchronization
    import SystemPackage

    /// What channels that are written to have in common: when they are writable, and a close that sends before what was flushed.
    ///
    /// `@unchecked Sendable`: as its superclass.
    class OutputChannel: BaseChannel, @unchecked Sendable {
        /// How long a close goes on that has still to send.
        private static let closeTimeout = Duration.seconds(30)

        @exclusivity(unchecked) final var waterMark = ChannelOptions.Types.WriteBufferWaterMark(
            low: 32 * 1024,
            high: 64 * 1024
        )
        /// Kept for who asks; the kernel is offered all there is.
        @exclusivity(unchecked) final var writeSpin: UInt = 16
        private let writableFlag = Atomic<Bool>(true)
        @exclusivity(unchecked) private var closeDeadline: TimerHandle?

        final override var isWritable: Bool { writableFlag.load(ordering: .relaxed) }

        /// Bytes that were written and that the kernel has not taken.
        var bufferedByteCount: Int { preconditionFailure("a channel must know what it has to send") }
        /// Drops what was not flushed.
        func failUnflushed(_ error: any Error) {
            preconditionFailure("a channel must let go of what it was given")
        }
        /// Ends what waits for all to have left, besides a close.
        func endSides() {}

        final func updateWritability() {
            let isWritable = self.isWritable
            let count = bufferedByteCount
            guard isWritable ? count > waterMark.high : count < waterMark.low || count == 0 else { return }
            writableFlag.store(!isWritable, ordering: .relaxed)
            if phase.isActive { pipeline.syncOperations.fireChannelWritabilityChanged() }
        }

        // MARK: - Closing

        final override func linger(_ error: any Error) {
            isReadPending = false
            updateReading()
            let due = loop.time().advanced(by: Self.closeTimeout)
            closeDeadline = loop.callAtWithoutContext(due) { self.abandon() }
            failUnflushed(error)
            endIfAllSent()
        }

        /// The peer does not take the rest.
        private func abandon() {
            if phase == .closing { finishClosing(ChannelError.ioOnClosedChannel, nil) }
        }

        /// Ends what waits for all to have left.
        final func endIfAllSent() {
            switch phase {
            case .closing where !hasToSend: finishClosing(ChannelError.ioOnClosedChannel, nil)
            case .activating, .active: endSides()
            default: break
            }
        }

        override func failPending(_ error: any Error) {
            closeDeadline?.cancel()
            closeDeadline = nil
        }

        // MARK: - Options

        final func setOutputOption<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
            guard phase.isOpen else { throw ChannelError.ioOnClosedChannel }
            switch option {
            case is ChannelOptions.Types.WriteSpinOption:
                if let value = value as? UInt { writeSpin = value }
            case is ChannelOptions.Types.WriteBufferWaterMarkOption:
                guard let value = value as? ChannelOptions.Types.WriteBufferWaterMark else { return }
                waterMark = value
                updateWritability()
            default:
                try setCommonOption(option, value: value)
            }
        }

        final func outputOption<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            guard phase.isOpen else { throw ChannelError.ioOnClosedChannel }
            switch option {
            case is ChannelOptions.Types.WriteSpinOption:
                return try answer(writeSpin, to: option, as: Option.Value.self)
            case is ChannelOptions.Types.WriteBufferWaterMarkOption:
                return try answer(waterMark, to: option, as: Option.Value.self)
            case is ChannelOptions.Types.BufferedWritableBytesOption:
                return try answer(bufferedByteCount, to: option, as: Option.Value.self)
            default:
                return try getCommonOption(option)
            }
        }
    }
#endif
