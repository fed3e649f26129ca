/// What happens at some time. Two things of the same time happen in the order in which they were planned.
struct EventQueue {
    /// What happens.
    enum Event {
        /// The next packet of a stream arrives.
        case arrival(StreamChannel)
        /// The sender of a stream learns that there is room.
        case room(StreamChannel)
        /// The sender of a stream hears that nobody takes what it sends.
        case reset(StreamChannel)
        /// An operation may be tried again.
        case retry(SimulatedRing, slot: Int, generation: UInt32)
        case call(() -> Void)
    }

    private struct Entry {
        var time: Int64
        var order: UInt64
        var event: Event

        @inline(__always)
        func comesBefore(_ other: Entry) -> Bool {
            time != other.time ? time < other.time : order < other.order
        }
    }

    private var heap: [Entry] = []
    private var planned: UInt64 = 0

    /// When the next one happens.
    var nextTime: Int64? { heap.first?.time }
    var count: Int { heap.count }

    mutating func insert(_ event: Event, at time: Int64) {
        planned += 1
        heap.append(Entry(time: time, order: planned, event: event))
        var index = heap.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].comesBefore(heap[parent]) else { break }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    /// Takes the next one out.
    mutating func takeFirst() -> Event {
        heap.swapAt(0, heap.count - 1)
        let entry = heap.removeLast()
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < heap.count && heap[child].comesBefore(heap[least]) {
                least = child
            }
            guard least != index else { return entry.event }
            heap.swapAt(index, least)
            index = least
        }
    }

    mutating func removeAll() {
        heap = []
    }
}
