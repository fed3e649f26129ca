#if NIO
    import Dispatch
    import NIOCore
    import Proactor

    import enum NIOCore.EventLoopError
    import protocol NIOCore.EventLoop
    import protocol NIOCore.EventLoopGroup

    /// One of this library's loops as SwiftNIO's `EventLoop`.
    ///
    /// Nobody makes one: a ``NIOProactorEventLoopGroup`` has some, and ``of(_:)`` finds that of a loop which the program runs itself.
    /// Futures, scheduled tasks and channels of it live on that loop's thread, beside whatever else runs there.
    ///
    /// - `executor` is the loop itself, and ``taskExecutor`` is the same as a task's: a task that prefers it takes each of its steps on
    ///   the loop's thread, without a hop.
    /// - `NIODeadline` and `LoopInstant` are one clock.
    /// - `wait()` on a future traps on the thread of any of this library's loops: the loop would wait for itself.
    /// - When the loop closes, its channels are closed, tasks that are still scheduled fail by `EventLoopError.shutdown`, and what
    ///   `execute` was given by then still runs.
    ///
    /// Thread rule: any thread, as SwiftNIO has it.
    ///
    /// ```swift
    /// let loop = group.next()
    /// loop.scheduleTask(in: .seconds(1)) { print("a second later") }
    /// ```
    public final class NIOProactorEventLoop: EventLoop, @unchecked Sendable {
        // `@unchecked Sendable`: what is not constant or locked belongs to the loop's thread.
        let loop: BaseEventLoop
        let tasks: LoopTasks
        @exclusivity(unchecked) var scheduled = ScheduledWork()
        @exclusivity(unchecked) var channels = OpenChannels()
        /// Whether channels may still be registered.
        @exclusivity(unchecked) var takesChannels = true
        /// What is received is copied into it, and whoever keeps it leaves the next message another.
        @exclusivity(unchecked) var receiveBuffer = ByteBuffer()
        private let owner = ThreadLock<(any EventLoopGroup)?>(nil)
        private let promises = ThreadLock<[_NIOEventLoopFutureIdentifier: (file: StaticString, line: UInt)]>(
            [:])

        init(_ loop: BaseEventLoop) {
            self.loop = loop
            tasks = LoopTasks(loop: loop)
        }

        /// The same loop as SwiftNIO's. It is one object as long as the loop is open.
        ///
        /// The loop is still closed by whoever runs it; channels and futures end with it.
        ///
        /// ```swift
        /// let bootstrap = NIOProactorServerBootstrap(group: NIOProactorEventLoop.of(try getRunningLoop()))
        /// ```
        ///
        /// - Parameter loop: one of this library's loops.
        public static func of(_ loop: any AbstractEventLoop) -> NIOProactorEventLoop {
            guard let loop = loop as? BaseEventLoop else {
                // Not a precondition: those lose their message in a release build.
                fatalError(
                    "NIOProactorEventLoop needs one of this library's event loops, not a \(type(of: loop))"
                )
            }
            return loop.companion { NIOProactorEventLoop(loop) }
        }

        /// The one whose loop runs on the calling thread, if SwiftNIO's names were used on it before.
        public static var current: NIOProactorEventLoop? {
            BaseEventLoop.running?.companion as? NIOProactorEventLoop
        }

        /// The loop itself, with all that this library's loops can do.
        public var proactorLoop: any AbstractEventLoop { loop }

        /// The loop as the executor of tasks: `Task(executorPreference: loop.taskExecutor) { … }` runs on its thread.
        public var taskExecutor: any TaskExecutor { loop }

        /// Keeps the group that the loop is of until that is shut down; `nil` lets go of it.
        func keep(_ group: (any EventLoopGroup)?) {
            owner.withLock { $0 = group }
        }

        // MARK: - Where code runs

        /// Whether the caller is on the loop's thread.
        public var inEventLoop: Bool {
            loop.isOnOwnThread || loop.isClosed && tasks.isRunningHere
        }

        public func execute(_ task: @escaping @Sendable () -> Void) {
            run(task)
        }

        public func _executeIsolatedUnsafeUnchecked(_ task: @escaping () -> Void) {
            run(task)
        }

        /// Runs a task soon. One that does not come from the loop's own thread must be fit to be sent.
        func run(_ task: @escaping () -> Void) {
            if loop.isOnOwnThread { tasks.add(task) } else { tasks.post(task) }
        }

        /// Runs `task` at once on the loop's thread, and else soon.
        func runHere(_ task: @escaping @Sendable () -> Void) {
            if inEventLoop { task() } else { run(task) }
        }

        public func submit<T>(_ task: @escaping @Sendable () throws -> T) -> EventLoopFuture<T> {
            _submitIsolatedUnsafeUnchecked(task)
        }

        public func _submitIsolatedUnsafeUnchecked<T>(_ task: @escaping () throws -> T) -> EventLoopFuture<T>
        {
            let promise = makePromise(of: T.self)
            run { promise.completeHere(with: Result { try task() }) }
            return promise.futureResult
        }

        /// The loop itself, as the executor of actors.
        public var executor: any SerialExecutor { loop }

        public func enqueue(_ job: consuming ExecutorJob) {
            loop.enqueue(job)
        }

        // MARK: - As a group of one

        public func next() -> any EventLoop { self }

        public func makeIterator() -> EventLoopIterator { EventLoopIterator([self]) }

        /// Refuses: a loop ends with its group, or is closed by whoever runs it.
        public func shutdownGracefully(
            queue: DispatchQueue,
            _ callback: @escaping @Sendable ((any Error)?) -> Void
        ) {
            queue.async { callback(EventLoopError.unsupportedOperation) }
        }

        // MARK: - What must not be

        /// Ends the program anywhere but on the loop's thread.
        public func preconditionInEventLoop(file: StaticString, line: UInt) {
            guard !inEventLoop else { return }
            fatalError("this must be called on the thread of \(self)", file: file, line: line)
        }

        /// Ends the program on the loop's thread.
        public func preconditionNotInEventLoop(file: StaticString, line: UInt) {
            guard inEventLoop else { return }
            fatalError("this must not be called on the thread of \(self)", file: file, line: line)
        }

        public func _preconditionSafeToWait(file: StaticString, line: UInt) {
            guard inEventLoop || BaseEventLoop.running != nil else { return }
            fatalError(
                "wait() was called on the thread of an event loop, which would wait for itself: await the future's get() instead",
                file: file,
                line: line
            )
        }

        public func _preconditionSafeToSyncShutdown(file: StaticString, line: UInt) {
            _preconditionSafeToWait(file: file, line: line)
        }

        public func _promiseCreated(
            futureIdentifier: _NIOEventLoopFutureIdentifier,
            file: StaticString,
            line: UInt
        ) {
            promises.withLock { $0[futureIdentifier] = (file, line) }
        }

        public func _promiseCompleted(futureIdentifier: _NIOEventLoopFutureIdentifier)
            -> (file: StaticString, line: UInt)?
        {
            promises.withLock { $0.removeValue(forKey: futureIdentifier) }
        }
    }

    extension NIOProactorEventLoop: CustomStringConvertible {
        public var description: String { "NIOProactorEventLoop over \(loop)" }
    }

    extension NIOProactorEventLoop: LoopCompanion {
        package func loopWillClose() {
            closeAtOnce()
            tasks.runRest()
            // What those have begun.
            closeAtOnce()
            keep(nil)
        }

        private func closeAtOnce() {
            takesChannels = false
            for channel in channels.members { channel.loopCloses() }
            for entry in scheduled.takeAll() {
                entry.timer?.cancel()
                entry.fail(EventLoopError.shutdown)
            }
        }
    }

    extension EventLoopPromise {
        /// Completes it on the loop's thread.
        func completeHere(with result: Result<Value, any Error>) {
            switch result {
            case .success(let value): assumeIsolatedUnsafeUnchecked().succeed(value)
            case .failure(let error): fail(error)
            }
        }
    }
#endif
