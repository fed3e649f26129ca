import SystemPackage

/// The receivers of a Unix socket that have no room for another datagram, each with what waits for it alone. So one that reads
/// nothing does not hold up the others.
///
/// ```
///               full                    has taken all
///   unknown ───────────▶ waited for ──────────────────▶ unknown
///      ▲                     │ has taken nothing for `patience`, or is the most silent of too many
///      │    takes one        ▼
///      └──────────────── given up: what it has no room for fails at once
/// ```
final class FullReceivers {
    /// A receiver that was full when it was last tried.
    final class Receiver {
        /// Its address in the kernel's form.
        let name: [UInt8]
        fileprivate(set) var isGivenUp = false
        /// When it last took something, or was first found to be full.
        fileprivate(set) var lastTook: LoopInstant
        /// When it is tried again.
        fileprivate(set) var retry: LoopInstant
        /// How long it is left alone then, in nanoseconds.
        fileprivate var rest = FullReceivers.restMin
        fileprivate var queue = DatagramQueue()

        fileprivate init(name: [UInt8], now: LoopInstant) {
            self.name = name
            lastTook = now
            retry = now.advanced(by: .nanoseconds(FullReceivers.restMin))
        }

        /// What waits for it, at most `limit` datagrams; valid until the queue next changes.
        func first(_ limit: Int) -> UnsafeBufferPointer<OutgoingDatagram> { queue.first(limit) }
        var isEmpty: Bool { queue.isEmpty }
    }

    /// How long a receiver is waited for that takes nothing.
    static let patience = Duration.seconds(1)
    /// What may wait for one receiver, in bytes of memory.
    private static let bytesMax = 1 << 20
    /// A datagram's memory besides its bytes.
    private static let recordSize = 144
    /// So many receivers are known at a time.
    private static let receiversMax = 256
    private static let restMin: Int64 = 1_000_000
    private static let restMax: Int64 = 16_000_000

    // Exclusivity: all of it belongs to the loop's thread, and no method calls out while it changes these.
    @exclusivity(unchecked) private var receivers: [[UInt8]: Receiver] = [:]
    /// Bytes that wait, counted as ``DatagramQueue/byteCount`` counts them.
    @exclusivity(unchecked) private(set) var byteCount = 0
    /// Held: its pool is where the datagrams are.
    private let loop: BaseEventLoop

    init(on loop: BaseEventLoop) {
        self.loop = loop
    }

    deinit {
        removeAll()
    }

    var isEmpty: Bool { receivers.isEmpty }

    /// Those that something waits for.
    var awaited: [Receiver] { receivers.values.filter { !$0.isEmpty } }

    /// The receiver that a datagram is for, when it is known.
    func receiver(of datagram: OutgoingDatagram) -> Receiver? {
        receivers[Self.name(of: datagram)]
    }

    private static func name(of datagram: OutgoingDatagram) -> [UInt8] {
        // The record's owner keeps so many bytes there.
        Array(UnsafeRawBufferPointer(start: datagram.address, count: Int(datagram.address_length)))
    }

    /// How many datagrams, from the first on, are for nobody who is waited for.
    func countOfFree(_ datagrams: UnsafeBufferPointer<OutgoingDatagram>) -> Int {
        datagrams.firstIndex { receiver(of: $0)?.isEmpty == false } ?? datagrams.count
    }

    /// The first of a queue found its receiver full, or others wait for that. It waits behind them, unless it fails now. Returns
    /// whether it waits.
    func setAsideFirst(of queue: inout DatagramQueue, at now: LoopInstant) -> Bool {
        let datagram = queue.first(1)[0]
        let name = Self.name(of: datagram)
        let receiver = receivers[name] ?? Receiver(name: name, now: now)
        let size = receiver.queue.byteCount + (receiver.queue.count + 1) * Self.recordSize
        guard !receiver.isGivenUp, size + Int(datagram.count) <= Self.bytesMax else { return false }
        receivers[name] = receiver
        byteCount -= receiver.queue.byteCount
        queue.moveFirst(to: &receiver.queue, pool: loop.buffers)
        byteCount += receiver.queue.byteCount
        return true
    }

    /// The one to give up when there are too many; those that were given up are forgotten first.
    func surplus() -> Receiver? {
        guard receivers.count > Self.receiversMax else { return nil }
        return receivers.values.min { ($0.isEmpty ? 0 : 1, $0.lastTook) < ($1.isEmpty ? 0 : 1, $1.lastTook) }
    }

    // MARK: - What becomes of one

    /// A receiver has taken its first datagrams.
    func took(_ receiver: Receiver, _ number: Int, at now: LoopInstant) {
        removeFirst(number, of: receiver)
        receiver.lastTook = now
        receiver.rest = Self.restMin
        receiver.retry = now
        if receiver.isEmpty { forget(receiver) }
    }

    /// The first datagram for a receiver was refused for good.
    func dropFirst(of receiver: Receiver) {
        removeFirst(1, of: receiver)
        if receiver.isEmpty { forget(receiver) }
    }

    /// It is still full. Returns whether it has taken nothing for too long.
    func isStillFull(_ receiver: Receiver, at now: LoopInstant) -> Bool {
        receiver.retry = now.advanced(by: .nanoseconds(receiver.rest))
        receiver.rest = min(receiver.rest * 2, Self.restMax)
        return receiver.lastTook.duration(to: now) >= Self.patience
    }

    /// What waits for it is dropped, and what it has no room for is not kept any more.
    func giveUp(_ receiver: Receiver) {
        removeFirst(receiver.queue.count, of: receiver)
        receiver.isGivenUp = true
    }

    /// It is as any other from here on.
    func forget(_ receiver: Receiver) {
        receivers[receiver.name] = nil
    }

    func removeAll() {
        for receiver in receivers.values { removeFirst(receiver.queue.count, of: receiver) }
        receivers.removeAll()
    }

    private func removeFirst(_ number: Int, of receiver: Receiver) {
        byteCount -= receiver.queue.byteCount
        receiver.queue.removeFirst(number, pool: loop.buffers)
        byteCount += receiver.queue.byteCount
    }
}
