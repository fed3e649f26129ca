#if NIO
    import NIOCore
    import Proactor
    import SystemPackage

    import enum NIOCore.SocketAddress
    import struct SystemPackage.FileDescriptor

    /// A channel over a stream: TCP or a Unix socket, accepted or connected.
    ///
    /// It is the protocol of a transport of this library, which it makes when it becomes active. `@unchecked Sendable`: as its superclass.
    final class StreamChannel: OutputChannel, StreamProtocol, WriteProgress, @unchecked Sendable {
        /// Who has the descriptor.
        enum Link {
            /// The channel.
            case raw
            case connecting(PendingConnect)
            case connected(any AdaptedStream)
            /// Nobody: it is closed, or about to be.
            case gone
        }

        /// How far one side's end has come.
        enum Side {
            case open
            /// To be ended when all that was written has left.
            case ending
            case ended
        }

        @exclusivity(unchecked) var link = Link.raw
        /// The loop whose listener has accepted it, and from whom, if that is known.
        private let acceptor: BaseEventLoop?
        private let peer: Proactor.SocketAddress?

        // Connecting
        @exclusivity(unchecked) var connectPromise: EventLoopPromise<Void>?
        @exclusivity(unchecked) var connectTimeout: TimeAmount?
        @exclusivity(unchecked) var connectDeadline: Scheduled<Void>?

        // Receiving
        @exclusivity(unchecked) var allowsHalfClosure = false
        @exclusivity(unchecked) var inputSide = Side.open
        /// What came when nobody had asked for it, or more than was asked for at once.
        @exclusivity(unchecked) var held: ByteBuffer?
        /// Whether the stream's end came behind it.
        @exclusivity(unchecked) var holdsEnd = false
        @exclusivity(unchecked) var deliversSoon = false
        @exclusivity(unchecked) var isTransportPaused = false

        // Sending
        @exclusivity(unchecked) var writes = PendingWrites<IOData>()
        @exclusivity(unchecked) var isHandingOver = false
        @exclusivity(unchecked) var isSendingFile = false
        /// Of the file that is being sent.
        @exclusivity(unchecked) var filePromise: EventLoopPromise<Void>?
        @exclusivity(unchecked) var outputSide = Side.open
        @exclusivity(unchecked) var outputWaiters: [EventLoopPromise<Void>] = []

        /// For a socket that was just made, or came from elsewhere.
        init(loop: NIOProactorEventLoop, descriptor: FileDescriptor, isGiven: Bool = false) {
            acceptor = nil
            peer = nil
            super.init(loop: loop, parent: nil, descriptor: descriptor)
            mayLinger = isGiven
        }

        /// For one that a server has accepted.
        init(
            loop: NIOProactorEventLoop,
            parent: ServerChannel,
            accepted descriptor: FileDescriptor,
            from peer: Proactor.SocketAddress?
        ) {
            acceptor = parent.loop
            self.peer = peer
            super.init(loop: loop, parent: parent, descriptor: descriptor, peer: peer)
            mayLinger = parent.mayLinger
        }

        /// The transport, as long as there is one to speak to.
        var transport: (any AdaptedStream)? {
            if case .connected(let transport) = link { transport } else { nil }
        }

        // MARK: - The life

        override func willRegister() throws {
            if let acceptor { try loop.takeInSocket(descriptor, acceptedBy: acceptor) }
        }

        override func activateConfigured(_ promise: EventLoopPromise<Void>?) {
            guard phase == .registered else { return failAsClosed(promise) }
            becomeConnected(promise)
        }

        /// The socket is connected: a transport takes it.
        func becomeConnected(_ promise: EventLoopPromise<Void>?) {
            let transport = loop.startStream(on: descriptor, peer: peer, mayLinger: mayLinger, self)
            transport.writeProgress = self
            link = .connected(transport)
            becomeActive(promise)
        }

        override func didActivate() {
            handOverFlushed()
        }

        override var ownsRawSocket: Bool { if case .raw = link { true } else { false } }

        override func releaseDescriptor() {
            let former = link
            link = .gone
            switch former {
            case .raw: loop.closeSocket(descriptor)
            case .connecting(let attempt): attempt.giveUp()
            case .connected(let transport):
                transport.writeProgress = nil
                // Nothing is left to send, or nobody to wait for it.
                transport.abort()
            case .gone: break
            }
        }

        override func failPending(_ error: any Error) {
            super.failPending(error)
            connectDeadline?.cancel()
            connectDeadline = nil
            held = nil
            let waitsForFile = filePromise
            filePromise = nil
            waitsForFile?.fail(error)
            for promise in writes.takeAll() { promise.fail(error) }
            for promise in outputWaiters { promise.fail(error) }
            outputWaiters = []
            let waiter = connectPromise
            connectPromise = nil
            waiter?.fail(error)
        }

        // MARK: - Sides, bytes and options

        override var canRead: Bool { inputSide == .open }
        override func updateReading() { reconcileReading() }

        override func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) { append(data, promise) }

        override func flush0() {
            guard phase.isOpen else { return }
            writes.flush()
            if phase.isActive { handOverFlushed() }
        }

        override var bufferedByteCount: Int { writes.byteCount + (transport?.untakenByteCount ?? 0) }

        override var hasToSend: Bool {
            writes.flushedCount > 0 || isSendingFile || transport?.untakenByteCount ?? 0 > 0
        }

        override func failUnflushed(_ error: any Error) {
            for promise in writes.takeUnflushed() { promise.fail(error) }
        }

        override func endSides() {
            if outputSide == .ending { endOutput() }
        }

        override func closeSide(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            endSide(error: error, mode: mode, promise: promise)
        }

        override func setOption0<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
            try setStreamOption(option, value: value)
        }

        override func getOption0<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            try streamOption(option)
        }

        // MARK: - Binding and connecting

        override func bind0(to address: SocketAddress, promise: EventLoopPromise<Void>?) {
            guard phase.isOpen else { return failAsClosed(promise) }
            do {
                try loop.bindSocket(descriptor, to: address.proactorAddress())
                addressesChanged()
            } catch {
                promise?.fail(nioError(error))
                return
            }
            promise?.succeed(())
        }

        override func connect0(to address: SocketAddress, promise: EventLoopPromise<Void>?) {
            guard phase.isOpen else { return failAsClosed(promise) }
            guard connectPromise == nil else {
                promise?.fail(ChannelError.connectPending)
                return
            }
            guard phase == .registered, case .raw = link else {
                promise?.fail(ChannelError.inappropriateOperationForState)
                return
            }
            // Whatever becomes of the attempt, the end of the channel fails it.
            connectPromise = promise ?? nioLoop.makePromise()
            do {
                let target = try address.proactorAddress()
                let attempt = try loop.startConnecting(descriptor, to: target) { error in
                    self.connectEnded(error)
                }
                link = .connecting(attempt)
            } catch {
                return close0(error: nioError(error), mode: .all, promise: nil)
            }
            guard let connectTimeout else { return }
            connectDeadline = nioLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: connectTimeout) {
                guard self.connectPromise != nil else { return }
                self.close0(error: ChannelError.connectTimeout(connectTimeout), mode: .all, promise: nil)
            }
        }

        private func connectEnded(_ error: SocketError?) {
            link = .raw
            connectDeadline?.cancel()
            connectDeadline = nil
            if let error { return close0(error: IOError(error), mode: .all, promise: nil) }
            let promise = connectPromise
            connectPromise = nil
            addressesChanged()
            becomeConnected(promise)
        }

        // MARK: - The transport's end

        func connectionLost(_ error: (any Error)?) {
            guard case .connected = link else { return }
            link = .gone
            switch phase {
            case .activating, .active: lostWhileActive(error)
            // What has not left by now never will.
            case .closing: finishClosing(error.map(nioError) ?? ChannelError.ioOnClosedChannel, nil)
            case .fresh, .registered, .closed: break
            }
        }

        private func lostWhileActive(_ error: (any Error)?) {
            deliverAllHeld()
            guard phase.isActive else { return }
            let reason = error.map(nioError) ?? ChannelError.eof
            // As SwiftNIO: what a write meets is told to the promises of writes.
            if let error, (error as? SocketError)?.operation != .send {
                pipeline.syncOperations.fireErrorCaught(nioError(error))
            }
            guard phase.isActive else { return }
            finishClosing(reason, nil)
        }
    }

    extension StreamChannel: CustomStringConvertible {
        var description: String {
            "StreamChannel of socket \(descriptor.rawValue) (\(localAddress?.description ?? "?") to \(remoteAddress?.description ?? "?"))"
        }
    }
#endif
