#if NIO
    import NIOCore
    import Proactor

    import enum NIOCore.EventLoopError

    extension NIOProactorEventLoop {
        /// The time on the loop's clock.
        public var now: NIODeadline {
            .uptimeNanoseconds(UInt64(max(loop.time().nanoseconds, 0)))
        }

        public func scheduleTask<T>(
            deadline: NIODeadline,
            _ task: @escaping @Sendable () throws -> T
        ) -> Scheduled<T> {
            _scheduleTaskIsolatedUnsafeUnchecked(deadline: deadline, task)
        }

        public func scheduleTask<T>(
            in delay: TimeAmount,
            _ task: @escaping @Sendable () throws -> T
        ) -> Scheduled<T> {
            scheduleTask(deadline: now + delay, task)
        }

        public func _scheduleTaskIsolatedUnsafeUnchecked<T>(
            deadline: NIODeadline,
            _ task: @escaping () throws -> T
        ) -> Scheduled<T> {
            let promise = makePromise(of: T.self)
            let entry = ScheduledEntry {
                promise.completeHere(with: Result { try task() })
            } fail: { error in
                promise.fail(error)
            }
            if loop.isOnOwnThread {
                begin(entry, at: deadline)
            } else {
                run { self.begin(entry, at: deadline) }
            }
            return Scheduled(promise: promise) { self.runHere { self.cancel(entry) } }
        }

        public func _scheduleTaskIsolatedUnsafeUnchecked<T>(
            in delay: TimeAmount,
            _ task: @escaping () throws -> T
        ) -> Scheduled<T> {
            _scheduleTaskIsolatedUnsafeUnchecked(deadline: now + delay, task)
        }

        private func begin(_ entry: ScheduledEntry, at deadline: NIODeadline) {
            guard !entry.isCancelled else { return }
            guard !loop.isClosed else { return entry.fail(EventLoopError.shutdown) }
            scheduled.insert(entry)
            let when = LoopInstant(nanoseconds: Int64(clamping: deadline.uptimeNanoseconds))
            entry.timer = loop.callAtWithoutContext(when) {
                self.scheduled.remove(entry)
                entry.perform()
            }
        }

        private func cancel(_ entry: ScheduledEntry) {
            entry.isCancelled = true
            scheduled.remove(entry)
            // After the end there are no timers to cancel.
            if !loop.isClosed { entry.timer?.cancel() }
            entry.timer = nil
        }
    }
#endif
