import Proactor

/// The operations of a simulated ring that are not over.
struct RingSlots {
    enum State {
        case free
        case inFlight
        /// A cancel was asked for.
        case cancelling
        /// Its last completion waits to be delivered.
        case over
    }

    struct Slot {
        var operation: IOOperation
        var owner: CompletionOwner?
        var generation: UInt32
        var state: State
        /// Whether it is among those that are to be tried, or will be.
        var isQueued = false
        /// Whether something of it is under way that ends by itself.
        var hasBegun = false
    }

    private var slots: [Slot] = []
    private var free: [Int] = []
    private(set) var count = 0

    var indices: Range<Int> { slots.indices }

    subscript(index: Int) -> Slot {
        _read { yield slots[index] }
        _modify { yield &slots[index] }
    }

    mutating func insert(_ operation: IOOperation, _ owner: CompletionOwner?) -> Int {
        count += 1
        if let index = free.popLast() {
            precondition(slots[index].state == .free, "a simulated operation's slot was handed out twice")
            slots[index].operation = operation
            slots[index].owner = owner
            slots[index].state = .inFlight
            slots[index].isQueued = false
            slots[index].hasBegun = false
            return index
        }
        slots.append(Slot(operation: operation, owner: owner, generation: 0, state: .inFlight))
        return slots.count - 1
    }

    func token(_ index: Int) -> OperationToken {
        OperationToken(
            kind: slots[index].operation.kind,
            generation: slots[index].generation,
            slot: UInt32(index)
        )
    }

    /// The slot of an operation that is not over.
    func find(_ token: OperationToken) -> Int? {
        let index = Int(token.slot)
        return isCurrent(index, token.generation) ? index : nil
    }

    func isCurrent(_ index: Int, _ generation: UInt32) -> Bool {
        index < slots.count && slots[index].generation == generation && slots[index].state != .free
    }

    /// Ends an operation and returns who has to be told.
    mutating func retire(_ index: Int) -> CompletionOwner? {
        precondition(slots[index].state != .free, "a simulated operation ended twice")
        let owner = slots[index].owner.take()
        slots[index].state = .free
        slots[index].generation = (slots[index].generation &+ 1) & OperationToken.generationMask
        free.append(index)
        count -= 1
        return owner
    }

    /// Forgets all of them, and returns those who were to be told.
    mutating func takeAll() -> [(operation: IOOperation, owner: CompletionOwner?)] {
        defer { self = RingSlots() }
        return slots.filter { $0.state != .free }.map { ($0.operation, $0.owner) }
    }
}
