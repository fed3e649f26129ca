import Testing

@testable import Proactor

@Suite struct WriteQueueTests {
    /// Takes the next bytes out of a queue, as a kernel that takes so many of each send.
    private static func take(_ count: Int, of queue: inout WriteQueue, pool: BufferPool) -> [UInt8] {
        var bytes: [UInt8] = []
        switch queue.makeSend(on: .standardOutput, pool: pool) {
        case .sendNow(_, let segment):
            bytes = Array(segment)
        case .sendMessageNow(_, let message):
            for index in 0..<message.pointee.msg_iovlen {
                let piece = message.pointee.msg_iov[index]
                bytes += UnsafeRawBufferPointer(start: piece.iov_base, count: piece.iov_len)
            }
        default:
            Issue.record("a send is no send")
        }
        bytes = Array(bytes.prefix(count))
        queue.sendCompleted(bytes.count, pool: pool)
        return bytes
    }

    @Test func aQueueThatIsNeverEmptyDoesNotGrow() throws {
        var queue = WriteQueue()
        let pool = BufferPool()
        defer { pool.deallocate() }
        queue.append(OwnedBuffer(patternBytes(10)), pool: pool)
        var (sent, expected) = ([UInt8](), patternBytes(10))
        for number in 0..<2000 {
            let next = patternBytes(10, seed: number)
            queue.append(OwnedBuffer(next), pool: pool)
            expected += next
            sent += Self.take(10, of: &queue, pool: pool)
            #expect(queue.byteCount == 10)
        }
        let kept = try #require(
            Mirror(reflecting: queue).descendant("more", "some", "rest") as? [WriteSegment]
        )
        #expect(kept.count < 200 && kept.capacity < 1000)
        sent += Self.take(10, of: &queue, pool: pool)
        #expect(sent == expected)
    }

    @Test(arguments: [99, 100, 101, 70_000])
    func aBufferThatIsTooLongForASegmentIsCopied(count: Int) {
        var queue = WriteQueue()
        let pool = BufferPool()
        defer { pool.deallocate() }
        let (first, second) = (patternBytes(count), patternBytes(50, seed: 3))
        queue.append(OwnedBuffer(first), pool: pool, ownedMax: 100)
        queue.append(OwnedBuffer(second), pool: pool, ownedMax: 100)
        #expect(queue.byteCount == count + 50)
        var sent: [UInt8] = []
        while queue.byteCount > 0 { sent += Self.take(33, of: &queue, pool: pool) }
        #expect(sent == first + second)
    }

    @Test func largeArraysAreKeptAndSentInTheirPlace() {
        let pool = BufferPool()
        defer { pool.deallocate() }
        for count in [1, 33, 100_000] {
            var queue = WriteQueue()
            let (small, large) = (patternBytes(50, seed: 1), patternBytes(70_000, seed: 2))
            small.withUnsafeBytes { queue.append($0, pool: pool) }
            queue.append(large[7...], pool: pool)
            small.withUnsafeBytes { queue.append($0, pool: pool) }
            queue.append(large[69_999...], pool: pool)
            queue.append(large[70_000...], pool: pool)
            let expected = small + large[7...] + small + [large[69_999]]
            #expect(queue.byteCount == expected.count)
            var sent: [UInt8] = []
            while queue.byteCount > 0 { sent += Self.take(count, of: &queue, pool: pool) }
            #expect(sent == expected)
        }
    }

    @Test(arguments: [99, 100, 101, 70_000])
    func anArrayThatIsTooLongForASegmentIsCopied(count: Int) {
        var queue = WriteQueue()
        let pool = BufferPool()
        defer { pool.deallocate() }
        let (first, second) = (patternBytes(count), patternBytes(50, seed: 3))
        queue.append(first[5...], pool: pool, keptMax: 95)
        queue.append(second[...], pool: pool, keptMax: 95)
        #expect(queue.byteCount == count + 45)
        var sent: [UInt8] = []
        while queue.byteCount > 0 { sent += Self.take(33, of: &queue, pool: pool) }
        #expect(sent == first[5...] + second)
    }

    // Whoever writes to an array that waits writes to a copy.
    @Test func anArrayThatIsKeptDoesNotChange() {
        let pool = BufferPool()
        defer { pool.deallocate() }
        var queue = WriteQueue()
        var array = [UInt8](repeating: 1, count: 40_000)
        queue.append(array[...], pool: pool)
        array[0] = 2
        array = []
        #expect(Self.take(40_000, of: &queue, pool: pool) == [UInt8](repeating: 1, count: 40_000))
    }

    @Test func arraysAreLetGoOfWithWhatIsDropped() throws {
        let pool = BufferPool()
        defer { pool.deallocate() }
        var queue = WriteQueue()
        for _ in 0..<3 { queue.append(patternBytes(40_000)[...], pool: pool) }
        _ = queue.makeSend(on: .standardOutput, pool: pool)
        for _ in 0..<2 { queue.append(patternBytes(40_000)[...], pool: pool) }
        queue.removeAllNotInFlight(pool: pool)
        #expect(queue.byteCount == 120_000)
        queue.discardAll(pool: pool)
        #expect(queue.byteCount == 0)
        #expect("\(try #require(Mirror(reflecting: queue).descendant("more", "some", "arrays")))" == "[]")
    }

    @Test func roomIsReservedWithAHeadAndATail() {
        let pool = BufferPool()
        defer { pool.deallocate() }
        var queue = WriteQueue()
        queue.append(OwnedBuffer([9]), pool: pool)
        let room = WriteQueue.reserve(1000, head: 5, tail: 16, pool: pool)
        #expect(room.bytes.count == 1000)
        let start = room.bytes.baseAddress!
        (start - 5).copyMemory(from: patternBytes(5), byteCount: 5)
        room.bytes.copyBytes(from: patternBytes(20, seed: 1))
        (start + 20).copyMemory(from: patternBytes(16, seed: 2), byteCount: 16)
        queue.commit(room, start: 0, end: 41, pool: pool)
        #expect(queue.byteCount == 42)
        queue.commit(
            WriteQueue.reserve(65_536 - 21, head: 5, tail: 16, pool: pool),
            start: 3,
            end: 3,
            pool: pool
        )
        let expected = [9] + patternBytes(5) + patternBytes(20, seed: 1) + patternBytes(16, seed: 2)
        #expect(Self.take(100, of: &queue, pool: pool) == expected)
        queue.discardAll(pool: pool)
    }

    /// As ``take(_:of:pool:)``, past a send in flight.
    private static func takeAtOnce(_ count: Int, of queue: inout WriteQueue, pool: BufferPool) -> [UInt8] {
        let bytes = Array((queue.firstBytes ?? .init(start: nil, count: 0)).prefix(count))
        queue.sentAtOnce(bytes.count, pool: pool)
        return bytes
    }

    @Test(arguments: [1, 99, 100, 40_000])
    func whatGoesOutAtOnceLeavesTheRestInOrder(pieceSize: Int) {
        var queue = WriteQueue()
        let pool = BufferPool()
        defer { pool.deallocate() }
        queue.sentAtOnce(0, pool: pool)
        // The second time it is a queue that has been longer.
        for seed in 0..<2 {
            let kept = patternBytes(WriteQueue.keptArraySize + 1, seed: seed)
            let (copied, owned) = (patternBytes(100, seed: seed + 2), patternBytes(100, seed: seed + 4))
            let appended: [((inout WriteQueue) -> Void, [UInt8])] = [
                ({ queue in copied.withUnsafeBytes { queue.append($0, pool: pool) } }, copied),
                ({ $0.append(OwnedBuffer(owned), pool: pool) }, owned),
                ({ $0.append(kept[...], pool: pool) }, kept),
            ]
            // Each alone, and all together.
            for parts in appended.map({ [$0] }) + [appended, appended.reversed()] {
                for (append, _) in parts { append(&queue) }
                var sent: [UInt8] = []
                while queue.byteCount > 0 { sent += Self.takeAtOnce(pieceSize, of: &queue, pool: pool) }
                #expect(sent == parts.flatMap(\.1))
                #expect(queue.firstBytes == nil)
            }
        }
    }
}
