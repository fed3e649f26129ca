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
        queue.append(OwnedBuffer(patternBytes(10)), pool: pool)
        var (sent, expected) = ([UInt8](), patternBytes(10))
        for number in 0..<2000 {
            let next = patternBytes(10, seed: number)
            queue.append(OwnedBuffer(next), pool: pool)
            expected += next
            sent += Self.take(10, of: &queue, pool: pool)
            #expect(queue.byteCount == 10)
        }
        let kept = try #require(Mirror(reflecting: queue).descendant("rest") as? [WriteSegment])
        #expect(kept.count < 200 && kept.capacity < 1000)
        sent += Self.take(10, of: &queue, pool: pool)
        #expect(sent == expected)
    }

    @Test(arguments: [99, 100, 101, 70_000])
    func aBufferThatIsTooLongForASegmentIsCopied(count: Int) {
        var queue = WriteQueue()
        let pool = BufferPool()
        let (first, second) = (patternBytes(count), patternBytes(50, seed: 3))
        queue.append(OwnedBuffer(first), pool: pool, ownedMax: 100)
        queue.append(OwnedBuffer(second), pool: pool, ownedMax: 100)
        #expect(queue.byteCount == count + 50)
        var sent: [UInt8] = []
        while queue.byteCount > 0 { sent += Self.take(33, of: &queue, pool: pool) }
        #expect(sent == first + second)
    }
}
