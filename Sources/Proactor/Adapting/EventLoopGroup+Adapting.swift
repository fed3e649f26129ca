extension EventLoopGroup {
    /// The loops, as another library of this package takes them.
    package var adaptedLoops: [BaseEventLoop] { members }

    /// Calls `callback` once every loop has ended, on any thread; at once when they have. It does not end them.
    package func whenEnded(_ callback: @escaping @Sendable () -> Void) {
        let left = ThreadLock(threads.count)
        for thread in threads {
            thread.whenEnded {
                let isLast = left.withLock { left in
                    left -= 1
                    return left == 0
                }
                if isLast { callback() }
            }
        }
    }
}
