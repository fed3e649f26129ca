import CMicro
import Proactor

/// An echo that counts what the loop's thread allocates from one message to a later one.
final class CountedEcho: StreamProtocol {
    private let first: Int
    private let last: Int
    private var seen = 0
    private var before: UInt64 = 0
    private var after: UInt64 = 0
    private var transport: (any Transport)?

    init(skipping first: Int, counting count: Int) {
        self.first = first
        last = first + count
    }

    var allocationsPerMessage: Double {
        seen < last ? .nan : Double(after - before) / Double(last - first)
    }

    func connectionMade(_ transport: any Transport) {
        self.transport = transport
    }

    func dataReceived(_ data: RawSpan) {
        seen += 1
        if seen == first { before = cmicro_allocations() }
        if seen == last { after = cmicro_allocations() }
        transport?.write(data)
    }

    func connectionLost(_ error: (any Error)?) {
        transport = nil
    }
}
