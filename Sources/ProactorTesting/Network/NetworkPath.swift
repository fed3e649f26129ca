import Proactor

/// The way from one host to another, or to itself: what becomes of the packets that go there.
final class NetworkPath {
    private let world: SimulatedWorld
    let source: HostKernel
    let target: HostKernel
    @exclusivity(unchecked) private(set) var latency: Int64
    @exclusivity(unchecked) private var nanosecondsPerByte: Double
    @exclusivity(unchecked) private var loss: UInt64
    @exclusivity(unchecked) var isLinkUp: Bool
    /// When the last byte that was sent has left.
    @exclusivity(unchecked) private var busyUntil: Int64 = 0
    @exclusivity(unchecked) private var lastArrival: Int64 = 0

    /// The first time after which what was lost is sent again; it doubles each time.
    static let firstRetry: Int64 = 200_000_000
    private static let delayMax: Int64 = 3_000_000

    init(_ world: SimulatedWorld, from source: HostKernel, to target: HostKernel, _ link: SimulatedLink) {
        self.world = world
        self.source = source
        self.target = target
        (latency, nanosecondsPerByte, loss, isLinkUp) = Self.numbers(of: link)
    }

    private static func numbers(of link: SimulatedLink) -> (Int64, Double, UInt64, Bool) {
        let latency =
            Int64(clamping: link.latency.components.seconds * 1_000_000_000)
            + link.latency.components.attoseconds / 1_000_000_000
        let perByte = link.bytesPerSecond.map { 1_000_000_000 / Double($0) } ?? 0
        return (latency, perByte, UInt64(link.loss * 4_294_967_296), link.isUp)
    }

    func use(_ link: SimulatedLink) {
        (latency, nanosecondsPerByte, loss, isLinkUp) = Self.numbers(of: link)
    }

    var isLocal: Bool { source === target }
    /// Whether packets come through at present.
    var isUp: Bool { isLocal ? target.isUp : isLinkUp && source.isUp && target.isUp }

    /// When a packet of so many bytes arrives that is sent now, if it is not lost.
    func arrival(of byteCount: Int) -> Int64 {
        var time = world.now
        if nanosecondsPerByte > 0 {
            time = max(time, busyUntil) + Int64(Double(byteCount) * nanosecondsPerByte)
            busyUntil = time
        }
        time += latency
        if !isLocal, world.choices.happens(.packetDelay) {
            time += world.choices.amount(of: .packetDelay, within: 1_000...Self.delayMax)
        }
        return time
    }

    /// Whether a packet that is sent now is lost.
    func losesPacket() -> Bool {
        guard !isLocal else { return false }
        if loss > 0, world.choices.next() >> 32 < loss { return true }
        return world.choices.happens(.packetLoss)
    }

    /// A time for a datagram that overtakes no other.
    func inOrder(_ time: Int64) -> Int64 {
        lastArrival = max(lastArrival, time)
        return lastArrival
    }
}
