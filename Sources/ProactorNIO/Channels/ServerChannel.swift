#if NIO
    import NIOCore
    import Proactor
    import SystemPackage

    import enum NIOCore.SocketAddress
    import protocol NIOCore.EventLoopGroup
    import struct SystemPackage.FileDescriptor

    /// A listening socket: what it reads are the channels of the connections that it accepts.
    ///
    /// `@unchecked Sendable`: as its superclass.
    final class ServerChannel: BaseChannel, @unchecked Sendable {
        private let childGroup: any EventLoopGroup
        @exclusivity(unchecked) private var backlog = Int32(ServerOptions.largestBacklog)
        @exclusivity(unchecked) private var server: Server?
        @exclusivity(unchecked) private var isPaused = false

        /// - Parameter childGroup: whose loops the connections are spread over; this library's.
        init(
            loop: NIOProactorEventLoop,
            childGroup: any EventLoopGroup,
            descriptor: FileDescriptor,
            isGiven: Bool = false
        ) {
            self.childGroup = childGroup
            super.init(loop: loop, parent: nil, descriptor: descriptor)
            mayLinger = isGiven
        }

        // MARK: - The life

        override func bind0(to address: SocketAddress, promise: EventLoopPromise<Void>?) {
            guard phase.isOpen else { return failAsClosed(promise) }
            guard phase == .registered else {
                promise?.fail(ChannelError.inappropriateOperationForState)
                return
            }
            do {
                try loop.bindSocket(descriptor, to: address.proactorAddress())
                try listen()
            } catch {
                promise?.fail(nioError(error))
                return
            }
            becomeActive(promise)
        }

        /// The socket came bound.
        override func activateConfigured(_ promise: EventLoopPromise<Void>?) {
            guard phase == .registered else { return failAsClosed(promise) }
            do { try listen() } catch {
                let error = nioError(error)
                promise?.fail(error)
                return close0(error: error, mode: .all, promise: nil)
            }
            becomeActive(promise)
        }

        private func listen() throws {
            addressesChanged()
            server = try loop.listen(
                on: descriptor,
                backlog: backlog,
                takesLinger: mayLinger,
                handOver: AcceptedSocketTaker { [unowned self] socket, peer in
                    accepted(socket, from: peer)
                } failed: { [unowned self] error in
                    pipeline.syncOperations.fireErrorCaught(IOError(error))
                }
            )
        }

        override var ownsRawSocket: Bool { server == nil }
        override var closesAtOnce: Bool { true }
        /// It may be that an accept has to end first.
        override var hasToSend: Bool { server != nil }

        override func linger(_ error: any Error) {
            guard let server else { return finishClosing(error, nil) }
            addressesAreAsked()
            server.close()
            guard server.isLettingGo else { return finishClosing(error, nil) }
            server.whenLetGo { if self.phase == .closing { self.finishClosing(error, nil) } }
        }

        override func releaseDescriptor() {
            guard let server else { return loop.closeSocket(descriptor) }
            self.server = nil
            server.close()
        }

        // MARK: - Accepting

        override func updateReading() {
            guard let server, isPaused == isReadPending else { return }
            isPaused = !isReadPending
            if isPaused { server.pauseAccepting() } else { server.resumeAccepting() }
        }

        private func accepted(_ socket: FileDescriptor, from peer: Proactor.SocketAddress?) {
            guard phase == .active else { return loop.closeSocket(socket) }
            guard let childLoop = childGroup.next() as? NIOProactorEventLoop else {
                preconditionFailure("a server's group has loops of another library")
            }
            let child = StreamChannel(loop: childLoop, parent: self, accepted: socket, from: peer)
            isReadPending = false
            pipeline.syncOperations.fireChannelRead(NIOAny(child))
            guard phase == .active else { return }
            pipeline.syncOperations.fireChannelReadComplete()
            readIfWanted()
        }

        /// A connection has come through the pipeline, and begins on its own loop.
        override func channelRead0(_ data: NIOAny) {
            let child = unwrapData(data, as: StreamChannel.self)
            // Not at once: what its handlers are made by may have been submitted to its loop.
            child.nioLoop.run { child.beginAccepted() }
        }

        // MARK: - Options

        override func setOption0<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
            guard phase.isOpen else { throw ChannelError.ioOnClosedChannel }
            switch option {
            case is ChannelOptions.Types.BacklogOption: if let value = value as? Int32 { backlog = value }
            default: try setCommonOption(option, value: value)
            }
        }

        override func getOption0<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            guard phase.isOpen else { throw ChannelError.ioOnClosedChannel }
            switch option {
            case is ChannelOptions.Types.BacklogOption:
                return try answer(backlog, to: option, as: Option.Value.self)
            default: return try getCommonOption(option)
            }
        }
    }

    extension StreamChannel {
        /// It was accepted, and its pipeline is made.
        fileprivate func beginAccepted() {
            let registered = nioLoop.makePromise(of: Void.self)
            pipeline.register(promise: registered)
            registered.futureResult.assumeIsolated().whenComplete { result in
                guard case .success = result, self.phase == .registered else {
                    return self.close(promise: nil)
                }
                self.becomeConnected(nil)
            }
        }
    }

    extension ServerChannel: CustomStringConvertible {
        var description: String {
            "ServerChannel of socket \(descriptor.rawValue) at \(localAddress?.description ?? "?")"
        }
    }
#endif
