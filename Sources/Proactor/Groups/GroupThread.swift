import SystemPackage

/// One thread of a group, and the loop that it runs from beginning to end.
final class GroupThread: Sendable {
    private struct State {
        var start = Start.pending
        var isEndRequested = false
        var hasEnded = false
        var whenEnded: [@Sendable () -> Void] = []
    }

    private enum Start {
        case pending
        case succeeded(BaseEventLoop)
        case failed(EventLoopGroupError)
    }

    private let index: Int
    private let processor: Int?
    private let options: EventLoopGroupOptions
    /// A fork's child does not have the thread: there it is over.
    private let state = ConditionLock(
        State(),
        childState: { _ in State(isEndRequested: true, hasEnded: true) }
    )

    init(index: Int, processor: Int?, options: EventLoopGroupOptions) {
        self.index = index
        self.processor = processor
        self.options = options
    }

    // MARK: - For the group

    func start() throws(EventLoopGroupError) {
        let name = SystemThread.name(options.name, number: index)
        do {
            try SystemThread.start(name: name) { self.run() }
        } catch {
            throw .cannotStartThread(index: index, error)
        }
    }

    /// Blocks until the loop runs, or cannot.
    func waitUntilStarted() throws(EventLoopGroupError) -> BaseEventLoop {
        while true {
            let start: Start? = state.waitFor(timeout: .seconds(60)) { state in
                if case .pending = state.start { nil } else { state.start }
            }
            switch start {
            case .succeeded(let loop): return loop
            case .failed(let error): throw error
            case .pending, nil: continue
            }
        }
    }

    /// Asks the loop to end, and returns at once. Twice is harmless.
    func requestEnd() {
        let loop: BaseEventLoop? = state.withLock { state in
            guard !state.isEndRequested else { return nil }
            state.isEndRequested = true
            guard case .succeeded(let loop) = state.start else { return nil }
            return loop
        }
        // A loop that is closed has ended already.
        try? loop?.callSoonThreadSafe { loop?.stop() }
    }

    /// Blocks until the thread is done with its loop.
    func waitUntilEnded() {
        while state.waitFor(timeout: .seconds(60), { $0.hasEnded ? true : nil }) == nil {}
    }

    /// Calls `callback` when the thread is done with its loop, on any thread; at once when it is.
    func whenEnded(_ callback: @escaping @Sendable () -> Void) {
        let hasEnded = state.withLock { state in
            if !state.hasEnded { state.whenEnded.append(callback) }
            return state.hasEnded
        }
        if hasEnded { callback() }
    }

    // MARK: - On the thread

    private func run() {
        do throws(EventLoopGroupError) {
            let loop = try makeLoop()
            report(.succeeded(loop))
            runUntilEndIsRequested(loop)
        } catch {
            report(.failed(error))
        }
        let callbacks = state.withLock { state in
            state.hasEnded = true
            defer { state.whenEnded = [] }
            return state.whenEnded
        }
        state.wakeAll()
        for callback in callbacks { callback() }
    }

    private func report(_ start: Start) {
        state.withLock { $0.start = start }
        state.wakeAll()
    }

    private var isEndRequested: Bool { state.withLock { $0.isEndRequested } }

    private func makeLoop() throws(EventLoopGroupError) -> BaseEventLoop {
        if let processor {
            do { try ProcessorAffinity.pinThread(to: processor) } catch {
                throw .cannotPin(index: index, processor: processor, error)
            }
        }
        switch Result(catching: { try startedLoop() }) {
        case .success(let loop): return loop
        case .failure(let error): throw .cannotMakeLoop(index: index, error)
        }
    }

    private func startedLoop() throws -> BaseEventLoop {
        let made = try options.makeLoop(index)
        guard let loop = made as? BaseEventLoop else {
            throw EventLoopError.invalidArgument(
                "a group needs this library's event loops, not a \(type(of: made))"
            )
        }
        if let debug = options.debug { loop.debug = debug }
        do {
            // One turn binds it to this thread, and shows whether it can run here at all.
            try loop.callSoon { loop.stop() }
            try loop.runForever()
        } catch {
            try? loop.close()
            throw error
        }
        return loop
    }

    private func runUntilEndIsRequested(_ loop: BaseEventLoop) {
        do {
            // Somebody else's stop() ends a run, but not the loop.
            while !isEndRequested { try loop.runForever() }
            try LoopFinisher(loop: loop).finish(abortingConnections: true)
        } catch {
            loop.logger.error("a loop of a group ended with an error: \(error)")
            try? loop.close()
        }
    }
}
