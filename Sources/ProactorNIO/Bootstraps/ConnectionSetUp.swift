#if NIO
    import NIOCore
    import Proactor

    import enum NIOCore.SocketAddress

    /// What a connection is made of.
    struct ConnectionSetUp<Output: Sendable>: Sendable {
        let options: ChannelOptions.Storage
        let timeout: TimeAmount
        let localAddress: SocketAddress?
        let protocolHandlers: (@Sendable () -> [any ChannelHandler])?
        let initializer: @Sendable (any Channel) -> EventLoopFuture<Output>

        /// - Parameter whenMade: called on the loop's thread with the channel, before anything else is done with it.
        func connect(
            to address: SocketAddress,
            on loop: NIOProactorEventLoop,
            whenMade: @escaping @Sendable (StreamChannel) -> Void = { _ in }
        ) -> EventLoopFuture<Output> {
            let (timeout, localAddress) = (timeout, localAddress)
            return loop.setUp(options) { loop -> StreamChannel in
                let socket = try loop.openSocket(for: address, .stream)
                let channel = StreamChannel(loop: loop, descriptor: socket)
                channel.connectTimeout = timeout
                whenMade(channel)
                return channel
            } initialize: { channel in
                initialize(channel)
            } begin: { channel, promise in
                channel.register(promise) {
                    if let localAddress { channel.pipeline.bind(to: localAddress, promise: nil) }
                    channel.pipeline.connect(to: address, promise: promise)
                }
            }
        }

        func adopt(_ handle: NIOBSDSocket.Handle, on loop: NIOProactorEventLoop) -> EventLoopFuture<Output> {
            loop.setUp(options) { loop -> StreamChannel in
                let socket = try loop.takeIn(handle)
                return StreamChannel(loop: loop, descriptor: socket, isGiven: true)
            } initialize: { channel in
                initialize(channel)
            } begin: { channel, promise in
                channel.registerConfigured(promise)
            }
        }

        private func initialize(_ channel: StreamChannel) -> EventLoopFuture<Output> {
            guard let protocolHandlers else { return initializer(channel) }
            let isReady = initializer(channel)
            return isReady.flatMapThrowing { output in
                try channel.pipeline.syncOperations.addHandlers(protocolHandlers(), position: .first)
                return output
            }
        }
    }

    /// Connects to the first of several addresses that answers, by overlapping attempts (RFC 8305, section 5): the next begins when the
    /// one before it has failed, or has taken as long as ``delay``.
    ///
    /// `@unchecked Sendable`: all of it belongs to the loop's thread.
    final class ConnectAttempts<Output: Sendable>: @unchecked Sendable {
        private var delay: TimeAmount { .milliseconds(250) }

        private let addresses: [SocketAddress]
        private let loop: NIOProactorEventLoop
        private let parts: ConnectionSetUp<Output>
        private let promise: EventLoopPromise<Output>
        private var channels: [Int: StreamChannel] = [:]
        private var begunCount = 0
        private var failures: [Int: any Error] = [:]
        private var nextBegin: Scheduled<Void>?
        private var isOver = false

        /// - Parameter addresses: more than none, in the order of the attempts.
        init(_ addresses: [SocketAddress], on loop: NIOProactorEventLoop, by parts: ConnectionSetUp<Output>) {
            self.addresses = addresses
            self.loop = loop
            self.parts = parts
            promise = loop.makePromise()
        }

        func begin() -> EventLoopFuture<Output> {
            loop.runHere { self.beginNext() }
            return promise.futureResult
        }

        private func beginNext() {
            nextBegin?.cancel()
            nextBegin = nil
            let index = begunCount
            guard !isOver, index < addresses.count else { return }
            begunCount += 1
            parts.connect(to: addresses[index], on: loop) { self.channels[index] = $0 }
                .whenComplete { self.attemptEnded(index, $0) }
            guard begunCount < addresses.count, failures[index] == nil else { return }
            nextBegin = loop.scheduleTask(in: delay) { self.beginNext() }
        }

        private func attemptEnded(_ index: Int, _ result: Result<Output, any Error>) {
            // Another has won, and has closed this one's channel.
            guard !isOver else { return }
            switch result {
            case .success(let output):
                isOver = true
                nextBegin?.cancel()
                for (number, channel) in channels where number != index {
                    channel.close0(error: ChannelError.ioOnClosedChannel, mode: .all, promise: nil)
                }
                promise.succeed(output)
            case .failure(let error):
                failures[index] = error
                guard failures.count == addresses.count else { return beginNext() }
                isOver = true
                promise.fail(failure)
            }
        }

        /// The reason of each address, where the system has told them.
        private var failure: any Error {
            let reasons = addresses.indices.compactMap { index -> SocketError? in
                guard let error = failures[index] as? IOError else { return nil }
                let address = try? addresses[index].proactorAddress()
                return SocketError(.connect, error.errno, address: address)
            }
            guard reasons.count == addresses.count else {
                return failures[0] ?? ChannelError.ioOnClosedChannel
            }
            return ConnectionError(reasons: reasons)
        }
    }
#endif
