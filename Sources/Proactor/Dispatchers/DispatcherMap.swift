/// The channels that an event loop watches: asyncore's map.
///
/// A ``Dispatcher`` is in its map from the moment that it has a socket until it is closed. The map asks each channel what it is
/// interested in, by ``Dispatcher/readable()`` and ``Dispatcher/writable()``: before the loop waits in ``loop(timeout:count:)``, and
/// a turn after each event. So channels also work in a loop that runs for other reasons, beside tasks and transports.
///
/// It is for programs that are ported. For new ones use ``NetworkEventLoop/createServer(_:protocolFactory:)`` and a
/// ``StreamProtocol``: the loop moves the bytes then, and a ring does so without asking for readiness first.
///
/// Thread rule: the loop's thread only.
///
/// ```swift
/// let map = try DispatcherMap(of: loop)
/// let server = try EchoServer(at: .ipv4(.loopback, port: 8080), map: map)
/// try map.loop()
/// ```
public final class DispatcherMap {
    let loop: BaseEventLoop
    /// By their descriptors, lowest first: whoever is asked in a hash's order is asked in another one each time.
    private var channels: [(descriptor: Int32, channel: Dispatcher)] = []
    private var isUpdateScheduled = false
    /// Whether a pass of ``loop(timeout:count:)`` waits for an event.
    private var isWaiting = false

    /// An empty map.
    ///
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for a loop that is none of this library's.
    public init(of loop: any AbstractEventLoop) throws(EventLoopError) {
        guard let base = loop as? BaseEventLoop else {
            throw .invalidArgument("dispatchers need a loop of this library")
        }
        self.loop = base
    }

    /// How many channels there are.
    public var count: Int {
        loop.checkThread("count")
        return channels.count
    }

    /// Runs the event loop until every channel is closed, or for `count` passes: each waits for an event, or for `timeout`, and
    /// serves all channels that are ready.
    ///
    /// - Parameters:
    ///   - timeout: how long a pass waits at most.
    ///   - count: how many passes; `nil` is without a bound.
    /// - Throws: what ``AbstractEventLoop/runForever()`` throws, and ``EventLoopError/invalidArgument(_:)`` for a time-out below zero.
    public func loop(timeout: Duration = .seconds(30), count: Int? = nil) throws {
        guard timeout >= .zero else {
            throw EventLoopError.invalidArgument("a pass cannot wait for \(timeout)")
        }
        var passes = 0
        while !channels.isEmpty, passes < count ?? .max {
            update()
            // None may be left: a channel that could not be watched is closed.
            guard !channels.isEmpty else { return }
            isWaiting = true
            defer { isWaiting = false }
            let limit = try loop.callLater(timeout) { [loop] in loop.stop() }
            defer { limit.cancel() }
            try loop.runForever()
            passes += 1
        }
    }

    /// Asks every channel what it is interested in, as happens by itself after each event. To be called when something else has
    /// changed an answer of ``Dispatcher/readable()`` or ``Dispatcher/writable()``.
    public func update() {
        loop.checkThread("update")
        guard !loop.isClosed else { return }
        for (_, channel) in channels { channel.updateInterest() }
    }

    /// Closes every channel.
    public func closeAll() {
        loop.checkThread("closeAll")
        for (_, channel) in channels { channel.close() }
    }

    // MARK: - For channels

    func insert(_ channel: Dispatcher, _ descriptor: Int32) {
        let place = place(of: descriptor)
        if place < channels.count, channels[place].descriptor == descriptor {
            channels[place].channel = channel
        } else {
            channels.insert((descriptor, channel), at: place)
        }
        scheduleUpdate()
    }

    /// Where a descriptor stands, or would stand.
    private func place(of descriptor: Int32) -> Int {
        var (least, most) = (0, channels.count)
        while least < most {
            let middle = (least + most) / 2
            if channels[middle].descriptor < descriptor { least = middle + 1 } else { most = middle }
        }
        return least
    }

    func remove(_ descriptor: Int32) {
        let place = place(of: descriptor)
        if place < channels.count, channels[place].descriptor == descriptor { channels.remove(at: place) }
        // Nothing is left to wait for.
        if isWaiting, channels.isEmpty { loop.stop() }
    }

    /// A channel's event: a pass ends with the turn.
    func eventCame() {
        if isWaiting { loop.stop() }
        scheduleUpdate()
    }

    func scheduleUpdate() {
        guard !isUpdateScheduled, !loop.isClosed else { return }
        isUpdateScheduled = true
        loop.ready.push(
            .callback {
                self.isUpdateScheduled = false
                self.update()
            }
        )
    }
}

@available(*, unavailable)
extension DispatcherMap: Sendable {}
