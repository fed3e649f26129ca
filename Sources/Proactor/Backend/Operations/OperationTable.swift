import CPosix
import Glibc

/// Where an operation is in its life.
///
/// ```
///            insert                 final completion
///   free ─────────────▶ inFlight ──────────────────────▶ free
///                        │  ▲  │                          ▲
///           no room, or  ▼  │  └──────▶ cancelling ───────┤ final completion, whatever it says
///           no buffer   parked ───────────────────────────┘ cancelled before the kernel had it
/// ```
enum OperationState: UInt8 {
    /// The slot holds no operation.
    case free
    /// The kernel, or a selector, has it.
    case inFlight
    /// It waits in the backend for room in the submission queue or for a buffer.
    case parked
    /// A cancel was asked for; the operation may still succeed, and lives until its final completion.
    case cancelling

    /// Whether the picture above has an arrow from this state to `next`.
    func allows(_ next: OperationState) -> Bool {
        switch (self, next) {
        case (.free, .inFlight), (.inFlight, .parked), (.inFlight, .cancelling), (.inFlight, .free),
            (.parked, .inFlight), (.parked, .free), (.cancelling, .free):
            true
        default:
            false
        }
    }
}

/// All operations that are under way: a slab in raw memory, so that a completion finds its owner by one index.
///
/// A slot is freed by its operation's final completion only, and each use of it has another generation: a completion that
/// comes too late names a generation that is gone.
final class OperationTable {
    struct Record: BitwiseCopyable {
        var operation: IOOperation
        // These lie in what the operation leaves of its last word: a record is 64 bytes.
        var state: OperationState
        /// Whether the operation is still to be tried, or tried again: what is under way is a wait for that.
        var isWaiting: Bool
        /// Whether a receive of streams is handed to the kernel again for each piece.
        var isSingle: Bool
        /// Whether it is among those that a selector's turn shall serve.
        var isQueued: Bool
        /// Whether it has filled the room that it was last given: there is probably more.
        var isSated: Bool
        /// Whether the backend itself has asked the kernel to end it, as it has had its share.
        var isInterrupted: Bool
        /// How often in a row it was tried in vain although its descriptor was ready.
        var vainTries: UInt8
        /// Retained from insert to retire; `nil` for operations that nobody waits for.
        var owner: Unmanaged<CompletionOwner>?
        var generation: UInt32
        /// Bytes that it may bring before others have their turn, and those that it has brought of them.
        var share: UInt32
        var received: UInt32
        /// The free list, while the slot is free.
        var nextFree: UInt32
    }

    // Exclusivity: the table belongs to the loop's thread, and no method calls out while it changes these.
    @exclusivity(unchecked) private var records: UnsafeMutablePointer<Record>
    @exclusivity(unchecked) private var capacity: UInt32
    @exclusivity(unchecked) private var used: UInt32 = 0
    @exclusivity(unchecked) private var firstFree: UInt32 = .max
    /// How many operations are not over.
    @exclusivity(unchecked) private(set) var count = 0

    init(capacity: UInt32 = 64) {
        self.capacity = capacity
        records = growMemory(nil, to: Int(capacity))
    }

    deinit {
        forEach { token in retire(token)?.release() }
        // Records are plain memory once their owners are released.
        free(records)
    }

    /// Takes in a new operation, in flight.
    func insert(_ operation: IOOperation, owner: CompletionOwner?) -> OperationToken {
        let slot = takeSlot()
        let record = records + Int(slot)
        precondition(record.pointee.state.allows(.inFlight), "an operation's slot was handed out twice")
        record.pointee.operation = operation
        record.pointee.owner = owner.map { Unmanaged.passRetained($0) }
        record.pointee.state = .inFlight
        record.pointee.isWaiting = false
        record.pointee.isSingle = false
        record.pointee.isQueued = false
        record.pointee.isSated = false
        record.pointee.isInterrupted = false
        record.pointee.vainTries = 0
        record.pointee.share = .max
        record.pointee.received = 0
        count += 1
        return OperationToken(kind: operation.kind, generation: record.pointee.generation, slot: slot)
    }

    /// The operation's record, or `nil` when it is over. Valid until the next insert.
    func find(_ token: OperationToken) -> UnsafeMutablePointer<Record>? {
        guard token.slot < used else { return nil }
        let record = records + Int(token.slot)
        guard record.pointee.generation == token.generation, record.pointee.state != .free else { return nil }
        return record
    }

    /// Has the processor fetch the owner of an operation that is soon to be told of its completion. With many connections, what
    /// belongs to an idle one is in none of the caches: this and ``fetchWaiter(_:)`` together saved an echo by `sockRecv` and
    /// `sockSendAll` 1 to 9 % of its processor time with 500 of them (ring, four runs), and nothing with 50.
    @inline(__always)
    func fetchOwner(_ token: OperationToken) {
        guard token.slot < used, let owner = records[Int(token.slot)].owner else { return }
        let start = owner.toOpaque()
        for offset in 0..<3 { cposix_prefetch(start + 64 * offset) }
    }

    /// The same, one completion later, for the task that waits: itself, and the innermost frames behind it.
    @inline(__always)
    func fetchWaiter(_ token: OperationToken) {
        guard token.slot < used, let owner = records[Int(token.slot)].owner,
            let start = owner._withUnsafeGuaranteedRef({ $0.waitingTask })
        else { return }
        for offset in 0..<16 { cposix_prefetch(start + 64 * offset) }
    }

    func transition(_ record: UnsafeMutablePointer<Record>, to state: OperationState) {
        precondition(
            record.pointee.state.allows(state),
            "operation went from \(record.pointee.state) to \(state)"
        )
        record.pointee.state = state
    }

    /// Ends an operation: frees its slot and hands its owner back, still retained.
    func retire(_ token: OperationToken) -> Unmanaged<CompletionOwner>? {
        guard let record = find(token) else { preconditionFailure("an operation ended twice") }
        transition(record, to: .free)
        let owner = record.pointee.owner
        record.pointee.owner = nil
        record.pointee.generation = (record.pointee.generation &+ 1) & OperationToken.generationMask
        record.pointee.nextFree = firstFree
        firstFree = token.slot
        count -= 1
        return owner
    }

    /// Calls `body` with each operation that is not over.
    func forEach(_ body: (OperationToken) -> Void) {
        for slot in 0..<used {
            let record = records + Int(slot)
            guard record.pointee.state != .free else { continue }
            body(
                OperationToken(
                    kind: record.pointee.operation.kind,
                    generation: record.pointee.generation,
                    slot: slot
                )
            )
        }
    }

    private func takeSlot() -> UInt32 {
        if firstFree != .max {
            let slot = firstFree
            firstFree = records[Int(slot)].nextFree
            return slot
        }
        if used == capacity { grow() }
        let slot = used
        used += 1
        let blank = Record(
            operation: .close(.init(rawValue: -1)),
            state: .free,
            isWaiting: false,
            isSingle: false,
            isQueued: false,
            isSated: false,
            isInterrupted: false,
            vainTries: 0,
            owner: nil,
            generation: 0,
            share: .max,
            received: 0,
            nextFree: .max
        )
        (records + Int(slot)).initialize(to: blank)
        return slot
    }

    private func grow() {
        capacity *= 2
        // Records are plain memory: the table holds owners by counts of its own.
        records = growMemory(records, to: Int(capacity))
    }
}
