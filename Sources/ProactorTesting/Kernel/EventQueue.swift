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
        case retry(SimulatedRingKernel, slot: Int, generation: UInt32)
        case call(() -> Void)
    }

    /// An event's place in the order: plain memory, which moves at no cost.
    private struct Entry: BitwiseCopyable {
        var time: Int64
        var order: UInt64
        /// Where the event is.
        var place: Int

        @inline(__always)
        func comesBefore(_ other: Entry) -> Bool {
            time != other.time ? time < other.time : order < other.order
        }
    }

    private var heap: [Entry] = []
    private var planned: UInt64 = 0
    /// `nil` where ``free`` says that there is none.
    private var events: [Event?] = []
    private var free: [Int] = []

    /// When the next one happens.
    var nextTime: Int64? { heap.first?.time }
    var count: Int { heap.count }

    mutating func insert(_ event: Event, at time: Int64) {
        planned += 1
        let place = free.popLast() ?? events.count
        if place < events.count { events[place] = event } else { events.append(event) }
        let entry = Entry(time: time, order: planned, place: place)
        heap.append(entry)
        var index = heap.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard entry.comesBefore(heap[parent]) else { break }
            heap[index] = heap[parent]
            index = parent
        }
        heap[index] = entry
    }

    /// Takes the next one out.
    mutating func takeFirst() -> Event {
        let first = heap[0]
        let last = heap.removeLast()
        if !heap.isEmpty { sink(last) }
        free.append(first.place)
        guard let event = events[first.place].take() else { preconditionFailure("an event happened twice") }
        return event
    }

    /// Puts an entry in the place of the first, and down to where it belongs.
    private mutating func sink(_ entry: Entry) {
        var index = 0
        while true {
            var child = 2 * index + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].comesBefore(heap[child]) { child += 1 }
            guard heap[child].comesBefore(entry) else { break }
            heap[index] = heap[child]
            index = child
        }
        heap[index] = entry
    }

    mutating func removeAll() {
        heap = []
        events = []
        free = []
    }
}
