#if NIO
    import NIOCore
    import Proactor
    import Synchronization
    import SystemPackage

    import enum NIOCore.EventLoopError
    import enum NIOCore.SocketAddress
    import protocol NIOCore.EventLoop
    import struct SystemPackage.FileDescriptor

    /// What every channel is: a life, a pipeline, options, and a descriptor that one of several owners has.
    ///
    /// `@unchecked Sendable`: what is not constant, atomic or locked belongs to the loop's thread.
    class BaseChannel: Channel, ChannelCore, @unchecked Sendable {
        final let nioLoop: NIOProactorEventLoop
        final let parent: (any Channel)?
        final let descriptor: FileDescriptor
        private let closePromise: EventLoopPromise<Void>
        private let known: ThreadLock<SharedKnowledge>
        private let activeFlag = Atomic<Bool>(false)
        /// Set once, when the channel is made.
        private var ownPipeline: ChannelPipeline?

        // Exclusivity: a channel belongs to the loop's thread; checks would cost more than the work that they guard.
        @exclusivity(unchecked) final private(set) var phase = ChannelPhase.fresh
        @exclusivity(unchecked) final var registryIndex = -1
        @exclusivity(unchecked) final var autoRead = true
        /// Whether somebody has asked to read and has got nothing yet.
        @exclusivity(unchecked) final var isReadPending = false
        @exclusivity(unchecked) final var maxMessagesPerRead: UInt = 4
        /// `nil` as long as the user has not set any.
        @exclusivity(unchecked) final var receiveSize: ReceiveSize?
        @exclusivity(unchecked) private var ownAllocator = ByteBufferAllocator()
        @exclusivity(unchecked) final private(set) var hasOwnAllocator = false
        /// Whether handlers were told that the channel is active.
        @exclusivity(unchecked) private var firedActive = false
        /// Whether the descriptor may linger at its close: the program has set that, or may have.
        @exclusivity(unchecked) final var mayLinger = false
        /// Those who wait for the end of a close that has still to send.
        @exclusivity(unchecked) final var closeWaiters: [EventLoopPromise<Void>] = []

        init(
            loop: NIOProactorEventLoop,
            parent: (any Channel)?,
            descriptor: FileDescriptor,
            peer: Proactor.SocketAddress? = nil
        ) {
            nioLoop = loop
            self.parent = parent
            self.descriptor = descriptor
            closePromise = loop.makePromise()
            known = ThreadLock(SharedKnowledge(loop: loop.loop, socket: descriptor, peer: peer))
            ownPipeline = ChannelPipeline(channel: self)
        }

        final var loop: BaseEventLoop { nioLoop.loop }

        // MARK: - What any thread may ask

        final var eventLoop: any EventLoop { nioLoop }
        final var _channelCore: any ChannelCore { self }
        final var closeFuture: EventLoopFuture<Void> { closePromise.futureResult }
        final var isActive: Bool { activeFlag.load(ordering: .relaxed) }
        var isWritable: Bool { false }
        final var allocator: ByteBufferAllocator {
            // Handlers ask for each message.
            loop.isOnOwnThread ? ownAllocator : known.withLock { $0.allocator }
        }
        final var localAddress: SocketAddress? { known.withLock { $0.local() } }
        final var remoteAddress: SocketAddress? { known.withLock { $0.remote() } }

        final var pipeline: ChannelPipeline {
            guard let ownPipeline else { preconditionFailure("a channel was used before it was made") }
            return ownPipeline
        }

        final var syncOptions: (any NIOSynchronousChannelOptions)? {
            SynchronousChannelOptions(channel: self)
        }

        final func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<
            Void
        > {
            guard nioLoop.inEventLoop else {
                return nioLoop.submit { try self.setOption0(option, value: value) }
            }
            return nioLoop.makeCompletedFuture { try setOption0(option, value: value) }
        }

        final func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
            guard nioLoop.inEventLoop else { return nioLoop.submit { try self.getOption0(option) } }
            do {
                return nioLoop.assumeIsolatedUnsafeUnchecked().makeSucceededFuture(try getOption0(option))
            } catch {
                return nioLoop.makeFailedFuture(error)
            }
        }

        // MARK: - The life

        /// The only place where the phase changes.
        final func advance(to next: ChannelPhase) {
            precondition(phase.leads(to: next), "a channel went from \(phase) to \(next)")
            phase = next
            activeFlag.store(next.isActive, ordering: .relaxed)
        }

        final func register0(promise: EventLoopPromise<Void>?) {
            guard phase != .closed, phase != .closing else { return failAsClosed(promise) }
            guard phase == .fresh else {
                promise?.fail(ChannelError.inappropriateOperationForState)
                return
            }
            do {
                guard nioLoop.takesChannels else { throw EventLoopError.shutdown }
                try willRegister()
            } catch {
                let error = nioError(error)
                pipeline.syncOperations.fireErrorCaught(error)
                close0(error: error, mode: .all, promise: nil)
                promise?.fail(error)
                return
            }
            nioLoop.channels.insert(self)
            advance(to: .registered)
            promise?.succeed(())
            pipeline.syncOperations.fireChannelRegistered()
        }

        final func registerAlreadyConfigured0(promise: EventLoopPromise<Void>?) {
            let registered = nioLoop.makePromise(of: Void.self)
            register0(promise: registered)
            registered.futureResult.assumeIsolated().whenComplete { result in
                switch result {
                case .success: self.activateConfigured(promise)
                case .failure(let error): promise?.fail(error)
                }
            }
        }

        /// Tells that the channel is active, sends what was flushed before, and reads if it should.
        final func becomeActive(_ promise: EventLoopPromise<Void>?) {
            advance(to: .activating)
            promise?.succeed(())
            guard phase == .activating else { return }
            advance(to: .active)
            firedActive = true
            pipeline.syncOperations.fireChannelActive()
            guard phase == .active else { return }
            didActivate()
            readIfWanted()
        }

        final func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            switch phase {
            case .closed:
                promise?.fail(ChannelError.alreadyClosed)
            case .closing:
                guard mode == .all else { return failAsClosed(promise) }
                if let promise { closeWaiters.append(promise) }
            case .fresh, .registered, .activating, .active:
                guard mode == .all else { return closeSide(error: error, mode: mode, promise: promise) }
                guard phase.isActive, hasToSend else { return finishClosing(error, promise) }
                advance(to: .closing)
                if let promise { closeWaiters.append(promise) }
                linger(error)
            }
        }

        /// The end: whoever waits hears of it, in SwiftNIO's order.
        final func finishClosing(_ error: any Error, _ promise: EventLoopPromise<Void>?) {
            let wasRegistered = phase != .fresh
            advance(to: .closed)
            nioLoop.channels.remove(self)
            if closesAtOnce { known.withLock { $0.socketIsGone(asking: true) } }
            releaseDescriptor()
            failPending(error)
            for waiter in closeWaiters { waiter.succeed(()) }
            closeWaiters = []
            promise?.succeed(())
            if firedActive { pipeline.syncOperations.fireChannelInactive() }
            if wasRegistered { pipeline.syncOperations.fireChannelUnregistered() }
            // A transport closes it at the turn's end at the earliest, and the number is somebody else's then.
            known.withLock { $0.socketIsGone(asking: false) }
            // The handlers may be on the stack.
            nioLoop.run {
                self.removeHandlers(pipeline: self.pipeline)
                self.closePromise.succeed(())
                self.known.withLock { $0.forget() }
            }
        }

        /// The loop closes, and nothing can be sent or waited for any more.
        final func loopCloses() {
            guard phase != .closed else { return }
            finishClosing(EventLoopError.shutdown, nil)
        }

        final func failAsClosed(_ promise: EventLoopPromise<Void>?) {
            promise?.fail(ChannelError.ioOnClosedChannel)
        }

        // MARK: - Reading

        final func read0() {
            guard phase.isOpen else { return }
            isReadPending = true
            if phase.isActive { updateReading() }
        }

        final func readIfWanted() {
            guard phase == .active else { return }
            if !isReadPending, autoRead, canRead {
                pipeline.syncOperations.read()
                // Else a handler keeps it for later.
                if isReadPending { return }
            }
            if phase == .active { updateReading() }
        }

        // MARK: - Addresses

        final func localAddress0() throws -> SocketAddress {
            try address(known.withLock { $0.local() })
        }

        final func remoteAddress0() throws -> SocketAddress {
            try address(known.withLock { $0.remote() })
        }

        private func address(_ address: SocketAddress?) throws -> SocketAddress {
            guard phase != .closed else { throw ChannelError.ioOnClosedChannel }
            guard let address else { throw ChannelError.unknownLocalAddress }
            return address
        }

        /// The socket was bound or connected.
        final func addressesChanged() {
            known.withLock { $0.ask() }
        }

        /// Has them known while the socket is still open.
        final func addressesAreAsked() {
            known.withLock { $0.socketIsGone(asking: true) }
        }

        final func setAllocator(_ allocator: ByteBufferAllocator) {
            hasOwnAllocator = true
            ownAllocator = allocator
            known.withLock { $0.allocator = allocator }
        }

        // MARK: - What each kind has to say

        /// Makes the socket fit for the loop.
        func willRegister() throws {}
        /// The socket is bound or connected already.
        func activateConfigured(_ promise: EventLoopPromise<Void>?) {
            preconditionFailure("a channel must know how to begin")
        }
        func didActivate() {}
        /// Whether there may be something to read.
        var canRead: Bool { true }
        /// Brings what is received in line with what is wanted.
        func updateReading() { preconditionFailure("a channel must know how to read") }
        /// Whether a close has something to wait for.
        var hasToSend: Bool { false }
        /// Begins to wait for that; `error` is for what is not waited for.
        func linger(_ error: any Error) {
            preconditionFailure("a channel that has nothing to send closes at once")
        }
        func closeSide(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            promise?.fail(ChannelError.operationUnsupported)
        }
        /// Whether ``releaseDescriptor()`` closes it before it returns.
        var closesAtOnce: Bool { ownsRawSocket }
        /// Whether nobody else has the descriptor.
        var ownsRawSocket: Bool { preconditionFailure("a channel must know who has its descriptor") }
        /// Lets go of the descriptor, or of who has it.
        func releaseDescriptor() { preconditionFailure("a channel must let go of its descriptor") }
        /// Fails the promises that wait for the channel.
        func failPending(_ error: any Error) {}

        func bind0(to address: SocketAddress, promise: EventLoopPromise<Void>?) {
            promise?.fail(ChannelError.operationUnsupported)
        }
        func connect0(to address: SocketAddress, promise: EventLoopPromise<Void>?) {
            promise?.fail(ChannelError.operationUnsupported)
        }
        func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
            promise?.fail(ChannelError.operationUnsupported)
        }
        func flush0() {}
        func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) {
            promise?.fail(ChannelError.operationUnsupported)
        }
        func channelRead0(_ data: NIOAny) {}
        func errorCaught0(error: any Error) {}
        func setOption0<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
            try setCommonOption(option, value: value)
        }
        func getOption0<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            try getCommonOption(option)
        }
    }
#endif
