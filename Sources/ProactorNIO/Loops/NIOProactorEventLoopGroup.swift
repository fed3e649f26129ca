#if NIO
    import Dispatch
    import NIOCore
    import Proactor
    import Synchronization

    import class Proactor.EventLoopGroup
    import protocol NIOCore.EventLoop

    /// This library's loops, each on a thread of its own, as SwiftNIO's `EventLoopGroup`: what takes the place of
    /// `MultiThreadedEventLoopGroup`.
    ///
    /// Give it to ``NIOProactorServerBootstrap``, ``NIOProactorClientBootstrap`` and ``NIOProactorDatagramBootstrap``. SwiftNIO's own
    /// bootstraps take its own groups only, and trap with any other.
    ///
    /// The loops keep the group alive until it is shut down, so shut it down: by `try await group.shutdownGracefully()`, or from a thread
    /// that may block by `syncShutdownGracefully()`. That closes the channels, which send what was flushed, and ends the threads.
    ///
    /// Thread rule: any thread.
    ///
    /// ```swift
    /// let group = try NIOProactorEventLoopGroup(numberOfThreads: 2)
    /// let server = try await NIOProactorServerBootstrap(group: group)
    ///     .childChannelInitializer { channel in channel.pipeline.addHandler(Echo()) }
    ///     .bind(host: "127.0.0.1", port: 0).get()
    /// try await server.close()
    /// try await group.shutdownGracefully()
    /// ```
    public final class NIOProactorEventLoopGroup: NIOCore.EventLoopGroup {
        private enum Shutdown {
            case notBegun
            case underWay([@Sendable () -> Void])
            case over
        }

        /// The loops' group, with all that this library's groups can do.
        public let proactorGroup: Proactor.EventLoopGroup
        private let loops: [NIOProactorEventLoop]
        private let handedOut = Atomic<UInt>(0)
        private let shutdown = ThreadLock(Shutdown.notBegun)

        /// Starts the loops, and returns when all of them run.
        ///
        /// - Throws: `EventLoopGroupError` of this library.
        public convenience init(_ options: EventLoopGroupOptions = EventLoopGroupOptions()) throws {
            self.init(sharing: try Proactor.EventLoopGroup(options))
        }

        /// Starts as many loops, rings where the machine has them and else epoll.
        ///
        /// - Throws: `EventLoopGroupError` of this library.
        public convenience init(numberOfThreads: Int) throws {
            try self.init(EventLoopGroupOptions(loopCount: numberOfThreads, name: "nio"))
        }

        /// Takes the loops of a group that the program has made, which uses them beside SwiftNIO. Shutting this one down shuts that one
        /// down; shutting down that one ends the channels here.
        public init(sharing group: Proactor.EventLoopGroup) {
            proactorGroup = group
            loops = group.adaptedLoops.map { NIOProactorEventLoop.of($0) }
            for loop in loops { loop.keep(self) }
        }

        public func next() -> any EventLoop {
            let number = handedOut.add(1, ordering: .relaxed).oldValue
            return loops[Int(number % UInt(loops.count))]
        }

        /// The loop of the calling thread when it is one of the group's, and `next()` otherwise.
        public func any() -> any EventLoop {
            guard let current = NIOProactorEventLoop.current, loops.contains(where: { $0 === current }) else {
                return next()
            }
            return current
        }

        public func makeIterator() -> EventLoopIterator { EventLoopIterator(loops) }

        /// Closes the channels of every loop, which send what was flushed and have as long as a close takes, fails what is scheduled, and
        /// ends the threads. Then `callback` is called on `queue`, with no error. A second call waits for the same end.
        ///
        /// From any thread, also from a loop's.
        public func shutdownGracefully(
            queue: DispatchQueue,
            _ callback: @escaping @Sendable ((any Error)?) -> Void
        ) {
            let tell: @Sendable () -> Void = { queue.async { callback(nil) } }
            let (isFirst, isOver) = shutdown.withLock { state in
                switch state {
                case .notBegun:
                    state = .underWay([tell])
                    return (true, false)
                case .underWay(let callbacks):
                    state = .underWay(callbacks + [tell])
                    return (false, false)
                case .over:
                    return (false, true)
                }
            }
            if isOver { tell() }
            if isFirst { closeChannels() }
        }

        private func closeChannels() {
            let left = ThreadLock(loops.count)
            for loop in loops {
                loop.closeChannels {
                    let isLast = left.withLock { left in
                        left -= 1
                        return left == 0
                    }
                    if isLast { self.endThreads() }
                }
            }
        }

        private func endThreads() {
            proactorGroup.shutdown()
            proactorGroup.whenEnded {
                let callbacks: [@Sendable () -> Void] = self.shutdown.withLock { state in
                    guard case .underWay(let callbacks) = state else { return [] }
                    state = .over
                    return callbacks
                }
                for loop in self.loops { loop.keep(nil) }
                for callback in callbacks { callback() }
            }
        }

        public func _preconditionSafeToSyncShutdown(file: StaticString, line: UInt) {
            loops[0]._preconditionSafeToSyncShutdown(file: file, line: line)
        }
    }

    extension NIOProactorEventLoopGroup: CustomStringConvertible {
        public var description: String { "NIOProactorEventLoopGroup of \(loops.count) loops" }
    }
#endif
