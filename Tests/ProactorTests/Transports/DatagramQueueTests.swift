import Testing

@testable import Proactor

@Suite struct DatagramQueueTests {
    /// A queue with what it should hold beside it.
    private final class Fixture {
        var queue = DatagramQueue()
        let pool = BufferPool()
        var expected: [(bytes: [UInt8], address: SocketAddress?)] = []

        deinit {
            queue.removeAll(keepingFirst: false, pool: pool)
            pool.deallocate()
        }

        func append(_ bytes: [UInt8], _ address: SocketAddress? = nil) {
            let failure = bytes.withUnsafeBytes { queue.append($0, to: address, pool: pool) }
            #expect(failure == nil)
            expected.append((bytes, address))
        }

        func removeFirst(_ count: Int) {
            queue.removeFirst(count, pool: pool)
            expected.removeFirst(count)
        }

        func check(sourceLocation: SourceLocation = #_sourceLocation) {
            let found = queue.first(.max).map { record in
                (
                    bytes: Array(UnsafeRawBufferPointer(start: record.bytes, count: Int(record.count))),
                    address: record.address.flatMap {
                        SocketAddress(kernelForm: .init(start: $0, count: Int(record.address_length)))
                    }
                )
            }
            #expect(found.map(\.bytes) == expected.map(\.bytes), sourceLocation: sourceLocation)
            #expect(found.map(\.address) == expected.map(\.address), sourceLocation: sourceLocation)
            let size = expected.reduce(0) { $0 + $1.bytes.count + 8 }
            #expect(queue.byteCount == size, sourceLocation: sourceLocation)
            #expect(queue.isEmpty == expected.isEmpty, sourceLocation: sourceLocation)
        }
    }

    @Test func everySizeAndAddressKeepsItsPlace() {
        let fixture = Fixture()
        let addresses: [SocketAddress?] = [
            nil, .ipv4(.loopback, port: 9), .ipv6(.loopback, port: 10, scopeID: 3), .unix(path: "/tmp/a"),
            .unixAbstract(name: [0, 1, 2]), .unixUnnamed, .unix(path: String(repeating: "p", count: 107)),
        ]
        for round in 0..<40 {
            let sizes = [0, 1, 7, 8, 64, 500, 4096, 16_000, 65_507, 200_000]
            for index in 0..<7 {
                let size = sizes[(round + index) % sizes.count]
                fixture.append(patternBytes(size, seed: round), addresses[(round * 3 + index) % 7])
            }
            if round % 4 == 3 { fixture.check() }
            fixture.removeFirst(round % 8 == 7 ? fixture.expected.count : 4)
            fixture.check()
        }
    }

    @Test func thousandsGoThroughByOnes() {
        let fixture = Fixture()
        for number in 0..<6_000 { fixture.append(numbered(number)) }
        fixture.check()
        while fixture.expected.count > 100 { fixture.removeFirst(1 + fixture.expected.count % 7) }
        fixture.check()
        for number in 0..<10 { fixture.append(numbered(number)) }
        fixture.check()
        fixture.removeFirst(fixture.expected.count)
        fixture.check()
    }

    @Test func anAddressThatIsNoneLeavesTheQueueAsItWas() {
        let fixture = Fixture()
        for _ in 0..<3 {
            let bytes = patternBytes(5_000)
            for path in ["", "a\0b", String(repeating: "p", count: 108)] {
                let failure = bytes.withUnsafeBytes {
                    fixture.queue.append($0, to: .unix(path: path), pool: fixture.pool)
                }
                #expect(failure != nil)
                fixture.check()
            }
            fixture.append(patternBytes(20_000))
            fixture.append([1], .ipv4(.loopback, port: 1))
            fixture.check()
        }
        fixture.removeFirst(fixture.expected.count)
        fixture.check()
    }

    @Test func whatTheKernelHasStays() {
        let fixture = Fixture()
        for number in 0..<500 { fixture.append(numbered(number, size: 300)) }
        fixture.removeFirst(3)
        fixture.queue.removeAll(keepingFirst: true, pool: fixture.pool)
        fixture.expected.removeLast(fixture.expected.count - 1)
        fixture.check()
        fixture.removeFirst(1)
        fixture.check()
        fixture.queue.removeAll(keepingFirst: true, pool: fixture.pool)
        fixture.check()
    }
}
