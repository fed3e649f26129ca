import DequeModule
import Glibc

/// One direction of a stream: the sender's buffer, what is under way, and the receiver's buffer, in one row of bytes.
///
/// ```
///   read ≤ arrived ≤ sent ≤ written
///    └ receiver's ┘ └ under way ┘ └ sender's, for want of a window
/// ```
/// What is lost under way is sent again, so it arrives late; nothing overtakes.
final class StreamChannel {
    private enum Parcel {
        case data(end: Int64)
        case end
        case reset
    }

    private let world: SimulatedWorld
    /// `nil` within a host, for Unix sockets and pipes: what was written has arrived.
    private let path: NetworkPath?
    private let bytes = ByteRing()
    @exclusivity(unchecked) private var readCount: Int64 = 0
    @exclusivity(unchecked) private var arrivedCount: Int64 = 0
    @exclusivity(unchecked) private var sentCount: Int64 = 0
    @exclusivity(unchecked) private var writtenCount: Int64 = 0
    @exclusivity(unchecked) private var parcels: Deque<(time: Int64, parcel: Parcel)> = []
    @exclusivity(unchecked) private var lastArrival: Int64 = 0
    @exclusivity(unchecked) private var retries: Int64 = 0
    @exclusivity(unchecked) private var wantsEnd = false
    @exclusivity(unchecked) private var hasSentEnd = false
    @exclusivity(unchecked) var sendCapacity: Int
    @exclusivity(unchecked) var receiveCapacity: Int

    /// Both ends; `nil` when nobody has them any more.
    @exclusivity(unchecked) unowned(unsafe) var writer: StreamEnd?
    @exclusivity(unchecked) unowned(unsafe) var reader: StreamEnd?
    /// Whether the end of the stream has arrived.
    @exclusivity(unchecked) private(set) var hasEnded = false
    /// Whether the receiver closed it, and bytes that come are answered by a reset.
    @exclusivity(unchecked) private(set) var isReaderClosed = false
    /// Nothing goes in any more, and what was under way is gone.
    @exclusivity(unchecked) private(set) var isBroken = false

    /// What a packet carries at most, in bytes.
    private static let parcelMax = 16 * 1024
    private static let retriesMax: Int64 = 15
    private static let retryMax: Int64 = 120_000_000_000

    init(_ world: SimulatedWorld, path: NetworkPath?, sendCapacity: Int, receiveCapacity: Int) {
        self.world = world
        self.path = path
        self.sendCapacity = sendCapacity
        self.receiveCapacity = receiveCapacity
    }

    /// Bytes that can be read now.
    var readableCount: Int { Int(arrivedCount - readCount) }
    /// Bytes that can be written now.
    var room: Int {
        let held = path == nil ? writtenCount - readCount : writtenCount - arrivedCount
        return sendCapacity - Int(held)
    }
    var hasRoom: Bool { room > 0 && room >= sendCapacity / 3 }
    var hasUnread: Bool { readCount < arrivedCount }
    /// Bytes that were written and not read.
    var heldCount: Int { Int(writtenCount - readCount) }

    // MARK: - The receiver's side

    func read(into target: UnsafeMutableRawBufferPointer) -> Int {
        let hadRoom = hasRoom
        let count = bytes.take(world.choices.part(of: min(readableCount, target.count)), into: target)
        didRead(count, hadRoom)
        return count
    }

    /// Copies bytes that can be read, and leaves them. Returns how many.
    func look(into target: UnsafeMutableRawBufferPointer) -> Int {
        bytes.copyFirst(min(readableCount, target.count), into: target)
    }

    /// Reads bytes that nobody wants to see any more.
    func drop(_ count: Int) {
        let hadRoom = hasRoom
        bytes.dropFirst(count)
        didRead(count, hadRoom)
    }

    private func didRead(_ count: Int, _ hadRoom: Bool) {
        readCount += Int64(count)
        if let path {
            // The sender hears of the window later.
            if sentCount < writtenCount { world.events.insert(.room(self), at: world.now + path.latency) }
        } else if !hadRoom, hasRoom {
            writer?.changed()
        }
    }

    /// The receiver is gone. What it has not read, and what comes, is answered by a reset.
    func closeReader() {
        reader = nil
        isReaderClosed = true
        let unread = hasUnread
        bytes.dropFirst(readableCount)
        readCount = arrivedCount
        guard path == nil else { return }
        writer?.peerClosed(unread: unread)
    }

    // MARK: - The sender's side

    /// Returns how many bytes were taken; zero without room.
    func write(_ source: UnsafeRawBufferPointer, isWhole: Bool = false) -> Int {
        let room = room
        guard room > 0, !isWhole || room >= source.count else { return 0 }
        let limit = min(room, source.count)
        let count = isWhole ? limit : world.choices.part(of: limit)
        bytes.append(UnsafeRawBufferPointer(rebasing: source[..<count]))
        writtenCount += Int64(count)
        transmit()
        return count
    }

    /// No more bytes come after those that were written.
    func finish() {
        guard !wantsEnd, !isBroken else { return }
        wantsEnd = true
        transmit()
    }

    /// What is under way gets through, and then a reset; what was not sent is dropped.
    func abort() {
        guard !isBroken else { return }
        isBroken = true
        bytes.dropLast(Int(writtenCount - sentCount))
        writtenCount = sentCount
        send(.reset, 0)
    }

    /// The sender's machine is gone, and with it what was not sent.
    func crashWriter() {
        writer = nil
        isBroken = true
        bytes.dropLast(Int(writtenCount - sentCount))
        writtenCount = sentCount
    }

    /// The connection is over: what is on the way to the receiver counts no more.
    func breakUp() {
        isBroken = true
        parcels.removeAll()
    }

    /// The window may have opened, or the buffer may have room again.
    func learnedOfRoom() {
        transmit()
        if hasRoom { writer?.changed() }
    }

    private func transmit() {
        guard path != nil else { return transmitAtOnce() }
        while sentCount < writtenCount, sentCount - readCount < receiveCapacity {
            let window = receiveCapacity - Int(sentCount - readCount)
            let count = world.choices.part(of: min(Self.parcelMax, Int(writtenCount - sentCount), window))
            sentCount += Int64(count)
            send(.data(end: sentCount), count)
        }
        guard wantsEnd, !hasSentEnd, sentCount == writtenCount else { return }
        hasSentEnd = true
        send(.end, 0)
    }

    private func transmitAtOnce() {
        let hadEnded = hasEnded
        sentCount = writtenCount
        arrivedCount = writtenCount
        hasEnded = wantsEnd
        if hasUnread || hasEnded != hadEnded { reader?.changed() }
    }

    // MARK: - Under way

    private func send(_ parcel: Parcel, _ count: Int) {
        guard let path else {
            if case .reset = parcel { reader?.receivedReset() }
            return
        }
        var time = path.arrival(of: count + 40)
        var retry = NetworkPath.firstRetry
        while retry < Self.retryMax, path.losesPacket() {
            time += retry
            retry *= 2
        }
        lastArrival = max(lastArrival, time)
        parcels.append((lastArrival, parcel))
        if parcels.count == 1 { world.events.insert(.arrival(self), at: lastArrival) }
    }

    /// Bytes must not arrive before the connection is made.
    func holdUntil(_ time: Int64) {
        lastArrival = max(lastArrival, time)
    }

    func parcelArrived() {
        guard let path, let (time, parcel) = parcels.first, time <= world.now else { return }
        guard path.isUp else { return retryLater() }
        retries = 0
        parcels.removeFirst()
        if let next = parcels.first { world.events.insert(.arrival(self), at: max(next.time, world.now)) }
        switch parcel {
        case .data(let end): dataArrived(end)
        case .end:
            hasEnded = true
            reader?.changed()
        case .reset:
            reader?.receivedReset()
        }
    }

    private func dataArrived(_ end: Int64) {
        let hadRoom = hasRoom
        let latency = path?.latency ?? 0
        let count = Int(end - arrivedCount)
        arrivedCount = end
        if isReaderClosed {
            readCount = end
            bytes.dropFirst(count)
            world.events.insert(.reset(self), at: world.now + latency)
        } else {
            reader?.changed()
        }
        if !hadRoom && hasRoom || sentCount < writtenCount {
            world.events.insert(.room(self), at: world.now + latency)
        }
    }

    /// The receiver's machine or the link is gone: it is sent again, a while, and then given up.
    private func retryLater() {
        retries += 1
        guard retries <= Self.retriesMax else {
            parcels.removeAll()
            writer?.timedOut()
            return
        }
        let pause = min(NetworkPath.firstRetry << retries, Self.retryMax)
        world.events.insert(.arrival(self), at: world.now + pause)
    }
}
