#if NIO
    import NIOCore
    import Proactor
    import SystemPackage

    import enum NIOCore.SocketAddress
    import struct SystemPackage.FileDescriptor

    /// A channel over a datagram socket: it reads `AddressedEnvelope<ByteBuffer>`, and writes that, or `ByteBuffer` once it is connected.
    ///
    /// `@unchecked Sendable`: as its superclass.
    final class DatagramChannel: OutputChannel, DatagramProtocol, @unchecked Sendable {
        struct Datagram {
            let bytes: ByteBuffer
            let address: Proactor.SocketAddress?
        }

        /// Who has the descriptor.
        private enum Link {
            /// The channel.
            case raw
            case connecting(PendingConnect)
            case open(any AdaptedDatagrams)
            /// Nobody: it is closed, or about to be.
            case gone
        }

        @exclusivity(unchecked) private var link = Link.raw
        @exclusivity(unchecked) private var connectPromise: EventLoopPromise<Void>?
        /// Datagrams that came when nobody had asked for them.
        @exclusivity(unchecked) private var held = CircularBuffer<AddressedEnvelope<ByteBuffer>>()
        @exclusivity(unchecked) private var deliversSoon = false
        /// The last sender in both libraries' forms: most datagrams come from who sent the one before.
        @exclusivity(unchecked) private var lastSource: (Proactor.SocketAddress, SocketAddress)?

        @exclusivity(unchecked) var writes = PendingWrites<Datagram>()
        @exclusivity(unchecked) var isHandingOver = false
        /// What the kernel has refused, to be told in a callback.
        @exclusivity(unchecked) var refused: [(EventLoopPromise<Void>, any Error)] = []

        init(loop: NIOProactorEventLoop, descriptor: FileDescriptor, isGiven: Bool = false) {
            super.init(loop: loop, parent: nil, descriptor: descriptor)
            mayLinger = isGiven
        }

        /// The transport, as long as there is one to speak to.
        var endpoint: (any AdaptedDatagrams)? {
            if case .open(let endpoint) = link { endpoint } else { nil }
        }

        // MARK: - The life

        override func bind0(to address: SocketAddress, promise: EventLoopPromise<Void>?) {
            guard phase.isOpen else { return failAsClosed(promise) }
            guard phase == .registered, case .raw = link else {
                promise?.fail(ChannelError.inappropriateOperationForState)
                return
            }
            do { try loop.bindSocket(descriptor, to: address.proactorAddress()) } catch {
                promise?.fail(nioError(error))
                return
            }
            begin(promise)
        }

        override func activateConfigured(_ promise: EventLoopPromise<Void>?) {
            guard phase == .registered else { return failAsClosed(promise) }
            begin(promise)
        }

        /// Before it is bound only: a transport is made for one peer or for all.
        override func connect0(to address: SocketAddress, promise: EventLoopPromise<Void>?) {
            guard phase.isOpen else { return failAsClosed(promise) }
            guard phase == .registered, case .raw = link else {
                promise?.fail(
                    phase.isActive ? ChannelError.operationUnsupported : .inappropriateOperationForState
                )
                return
            }
            connectPromise = promise
            do {
                let attempt = try loop.startConnecting(descriptor, to: address.proactorAddress()) { error in
                    self.connectEnded(error)
                }
                link = .connecting(attempt)
            } catch {
                close0(error: nioError(error), mode: .all, promise: nil)
            }
        }

        private func connectEnded(_ error: SocketError?) {
            link = .raw
            if let error { return close0(error: IOError(error), mode: .all, promise: nil) }
            let promise = connectPromise
            connectPromise = nil
            begin(promise)
        }

        private func begin(_ promise: EventLoopPromise<Void>?) {
            addressesChanged()
            do {
                let endpoint = try loop.startDatagrams(on: descriptor, self)
                endpoint.sendProgress = self
                link = .open(endpoint)
            } catch {
                let error = IOError(error)
                promise?.fail(error)
                return close0(error: error, mode: .all, promise: nil)
            }
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
            case .open(let endpoint):
                endpoint.sendProgress = nil
                endpoint.abort()
            case .gone: break
            }
        }

        override func failPending(_ error: any Error) {
            super.failPending(error)
            held.removeAll()
            tellRefused()
            for promise in writes.takeAll() { promise.fail(error) }
            let waiter = connectPromise
            connectPromise = nil
            waiter?.fail(error)
        }

        func connectionLost(_ error: (any Error)?) {
            guard case .open = link else { return }
            link = .gone
            guard phase == .closing || phase.isActive else { return }
            if let error, phase.isActive { pipeline.syncOperations.fireErrorCaught(nioError(error)) }
            guard phase == .closing || phase.isActive else { return }
            finishClosing(error.map(nioError) ?? ChannelError.ioOnClosedChannel, nil)
        }

        // MARK: - Sending and options

        override func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) { append(data, promise) }

        override func flush0() {
            guard phase.isOpen else { return }
            writes.flush()
            if phase.isActive { handOverFlushed() }
        }

        override var bufferedByteCount: Int { writes.byteCount + (endpoint?.untakenByteCount ?? 0) }

        override var hasToSend: Bool {
            writes.flushedCount > 0 || writes.hasWaiters || endpoint?.untakenByteCount ?? 0 > 0
        }

        override func failUnflushed(_ error: any Error) {
            for promise in writes.takeUnflushed() { promise.fail(error) }
        }

        override func setOption0<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
            try setDatagramOption(option, value: value)
        }

        override func getOption0<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            try datagramOption(option)
        }

        // MARK: - Receiving

        override func updateReading() {
            guard let endpoint else { return }
            if isReadPending, !held.isEmpty { return deliverSoon() }
            guard endpoint.isReceivingPaused == isReadPending else { return }
            endpoint.isReceivingPaused = !isReadPending
        }

        func datagramReceived(_ data: RawSpan, from source: Proactor.SocketAddress) {
            guard phase.isActive, let address = nioAddress(of: source) else { return }
            let bytes = nioLoop.copy(data, by: hasOwnAllocator ? allocator : nil)
            let envelope = AddressedEnvelope(remoteAddress: address, data: bytes)
            guard isReadPending, held.isEmpty, phase == .active else { return held.append(envelope) }
            deliver(envelope)
            endRead()
        }

        private func nioAddress(of source: Proactor.SocketAddress) -> SocketAddress? {
            if let lastSource, lastSource.0 == source { return lastSource.1 }
            guard let address = source.nioAddress else { return nil }
            lastSource = (source, address)
            return address
        }

        private func deliver(_ envelope: AddressedEnvelope<ByteBuffer>) {
            isReadPending = false
            pipeline.syncOperations.fireChannelRead(NIOAny(envelope))
        }

        private func endRead() {
            guard phase == .active else { return }
            pipeline.syncOperations.fireChannelReadComplete()
            readIfWanted()
        }

        /// In a callback of its own: who asks to read may be amid something.
        private func deliverSoon() {
            guard !deliversSoon else { return }
            deliversSoon = true
            nioLoop.run {
                self.deliversSoon = false
                guard self.phase == .active, self.isReadPending else { return }
                for _ in 0..<self.maxMessagesPerRead {
                    guard self.phase == .active, let envelope = self.held.popFirst() else { break }
                    self.deliver(envelope)
                }
                self.endRead()
            }
        }

        /// What a promise is told of is no error of the channel's besides.
        func errorReceived(_ error: SocketError) {
            guard phase.isActive else { return }
            if error.operation == .send, error.errno == .messageTooLong || error.errno == .noRouteToHost {
                return
            }
            pipeline.syncOperations.fireErrorCaught(IOError(error))
        }
    }

    extension DatagramChannel: CustomStringConvertible {
        var description: String {
            "DatagramChannel of socket \(descriptor.rawValue) at \(localAddress?.description ?? "?")"
        }
    }
#endif
