#if NIO
    import Glibc
    import NIOCore
    import Proactor
    import SystemPackage

    extension BaseChannel {
        final func setCommonOption<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
            guard phase.isOpen else { throw ChannelError.ioOnClosedChannel }
            switch option {
            case let option as ChannelOptions.Types.SocketOption:
                guard let value = (value as? SocketOptionValue).flatMap(Int32.init(exactly:)) else {
                    throw IOError(.invalidArgument, "setsockopt")
                }
                try setSocketOption(option.proactorOption, to: value)
            case is ChannelOptions.Types.AllocatorOption:
                if let value = value as? ByteBufferAllocator { setAllocator(value) }
            case is ChannelOptions.Types.RecvAllocatorOption:
                receiveSize = (value as? any RecvByteBufferAllocator).map { .by($0) }
            case is ChannelOptions.Types.AutoReadOption:
                guard let value = value as? Bool, value != autoRead else { return }
                autoRead = value
                guard phase != .fresh else { return }
                if value { read0() } else { stopReading() }
            case is ChannelOptions.Types.MaxMessagesPerReadOption:
                if let value = value as? UInt { maxMessagesPerRead = max(value, 1) }
            default:
                unsupported(option)
            }
        }

        final func getCommonOption<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            guard phase.isOpen else { throw ChannelError.ioOnClosedChannel }
            switch option {
            case let option as ChannelOptions.Types.SocketOption:
                let value = SocketOptionValue(try socketOption(option.proactorOption))
                return try answer(value, to: option, as: Option.Value.self)
            case is ChannelOptions.Types.AllocatorOption:
                return try answer(allocator, to: option, as: Option.Value.self)
            case is ChannelOptions.Types.RecvAllocatorOption:
                let inUse = receiveSize?.allocator ?? AdaptiveRecvByteBufferAllocator()
                return try answer(inUse, to: option, as: Option.Value.self)
            case is ChannelOptions.Types.AutoReadOption:
                return try answer(autoRead, to: option, as: Option.Value.self)
            case is ChannelOptions.Types.MaxMessagesPerReadOption:
                return try answer(maxMessagesPerRead, to: option, as: Option.Value.self)
            default:
                unsupported(option)
            }
        }

        /// As SwiftNIO does it: to ask a channel for an option that it does not know is a mistake of the program.
        final func unsupported(_ option: some ChannelOption) -> Never {
            fatalError("the channel option \(option) is not supported by \(self)")
        }

        final func answer<Value, Answer>(
            _ value: Answer,
            to option: some ChannelOption,
            as type: Value.Type
        ) throws -> Value {
            guard let value = value as? Value else { unsupported(option) }
            return value
        }

        /// What is asked for and has not come is not wanted any more.
        private func stopReading() {
            isReadPending = false
            if phase.isActive { updateReading() }
        }

        // MARK: - The socket's own

        final func setSocketOption(_ option: Proactor.SocketOption, to value: Int32) throws {
            do { try loop.setOption(option, to: value, on: descriptor) } catch {
                throw IOError(error, "setsockopt")
            }
        }

        final func socketOption(_ option: Proactor.SocketOption) throws -> Int32 {
            do { return try loop.option(option, of: descriptor) } catch {
                throw IOError(error, "getsockopt")
            }
        }

        final func setRawOption<Value>(_ option: Proactor.SocketOption, to value: Value) throws {
            guard phase.isOpen else { throw ChannelError.ioOnClosedChannel }
            if option.level == SOL_SOCKET, option.name == SO_LINGER { mayLinger = true }
            do {
                // The value is plain memory, as the name of the method that brings it here says, and lives for the call.
                try withUnsafeBytes(of: value) { bytes throws(Errno) in
                    try loop.setOption(option, to: bytes, on: descriptor)
                }
            } catch {
                throw IOError(error, "setsockopt")
            }
        }

        final func rawOption<Value>(_ option: Proactor.SocketOption) throws -> Value {
            guard phase.isOpen else { throw ChannelError.ioOnClosedChannel }
            let room = UnsafeMutableRawBufferPointer.allocate(
                byteCount: MemoryLayout<Value>.size,
                alignment: MemoryLayout<Value>.alignment
            )
            defer { room.deallocate() }
            // A kernel that knows less of it leaves the rest zero.
            room.initializeMemory(as: UInt8.self, repeating: 0)
            do { _ = try loop.readOption(option, of: descriptor, into: room) } catch {
                throw IOError(error, "getsockopt")
            }
            // Plain memory, as above, of this size and alignment.
            return room.load(as: Value.self)
        }
    }
#endif
