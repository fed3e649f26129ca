import CMicro
import Proactor

/// Sends each datagram back, and counts the heap allocations of its thread from one datagram to another.
final class CountedDatagrams: DatagramProtocol {
    private let first: Int
    private let last: Int
    private var received = 0
    private var before: UInt64 = 0
    private var after: UInt64 = 0
    private var transport: (any DatagramTransport)?
    /// Called when the last one is back.
    var whenDone: () throws -> Void = {}

    init(skipping skipped: Int, counting count: Int) {
        first = skipped
        last = skipped + count
    }

    var allocationsPerDatagram: Double { Double(after - before) / Double(last - first) }

    func connectionMade(_ transport: any DatagramTransport) {
        self.transport = transport
    }

    func datagramReceived(_ data: RawSpan, from source: SocketAddress) throws {
        received += 1
        if received == first { before = cmicro_allocations() }
        if received == last {
            after = cmicro_allocations()
            try whenDone()
        } else {
            try transport?.sendTo(data)
        }
    }

    func connectionLost(_ error: (any Error)?) {
        transport = nil
    }
}
