import SystemPackage

/// Who uses which descriptor of a loop: a transport, a server or a child process that owns it, or a call or a watch on one of
/// its sides.
///
/// The sides are what a selector knows of a descriptor: one operation reads and one writes. A call that finds another on its
/// side waits for its turn, so that two messages do not mix.
final class DescriptorUses {
    enum Use: UInt8, BitwiseCopyable {
        case none
        /// A `sock` call is under way.
        case call
        /// A reader or a writer is set.
        case watch
    }

    /// What is known of every number: most belong to transports, of which there is no more to say.
    private struct Entry: BitwiseCopyable {
        var isOwned = false
        /// Whether it was found to be a stream socket: what comes may be received in any pieces.
        var isStream = false
        var read = Use.none
        var write = Use.none

        subscript(side: Readiness) -> Use {
            get { side == .read ? read : write }
            set { if side == .read { read = newValue } else { write = newValue } }
        }
    }

    /// What calls and watches leave behind.
    private struct Activity: BitwiseCopyable {
        /// What a use is in the backend, once it is submitted: the number of its token, or zero.
        var read: UInt64 = 0
        var write: UInt64 = 0
        /// The turn in which it last sent immediately, and how often.
        var sendTurn: UInt32 = 0
        var sendCount: UInt32 = 0

        subscript(side: Readiness) -> OperationToken? {
            get {
                let number = side == .read ? read : write
                return number == 0 ? nil : OperationToken(rawValue: number)
            }
            set {
                if side == .read { read = newValue?.rawValue ?? 0 } else { write = newValue?.rawValue ?? 0 }
            }
        }
    }

    // Exclusivity: the table belongs to the loop's thread, and no method calls out while it changes these.
    /// Indexed by descriptor.
    @exclusivity(unchecked) private var entries = RawList<Entry>(capacity: 64)
    /// The same, as far as there are calls and watches.
    @exclusivity(unchecked) private var activities = RawList<Activity>(capacity: 64)
    @exclusivity(unchecked) private var waiting: [WaitingKey: [Future<Void>]] = [:]

    private struct WaitingKey: Hashable {
        let descriptor: Int32
        let side: UInt8
    }

    /// How often a socket may send immediately in one turn: a task that only sends must not keep the others from running.
    private static let immediateSendsMax: UInt32 = 16

    // MARK: - Owners

    /// A transport or a server has the descriptor from here on. Returns whether somebody still uses it: the number is a
    /// closed descriptor's then, and the use is of the past.
    func own(_ descriptor: FileDescriptor) -> Bool {
        let index = extend(to: descriptor)
        entries[index].isOwned = true
        entries[index].isStream = false
        return entries[index].read != .none || entries[index].write != .none
    }

    func disown(_ descriptor: FileDescriptor) {
        entries[extend(to: descriptor)].isOwned = false
    }

    func hasOwner(_ descriptor: FileDescriptor) -> Bool {
        covers(descriptor) && entries[Int(descriptor.rawValue)].isOwned
    }

    /// Whether it was seen before. Of any other number it is to be found out that it is open before the table grows to it: one
    /// out of nowhere could be in the thousands of millions.
    @inline(__always)
    func covers(_ descriptor: FileDescriptor) -> Bool {
        descriptor.rawValue >= 0 && Int(descriptor.rawValue) < entries.count
    }

    /// Throws when the descriptor has an owner already, or is in use.
    func checkFree(_ descriptor: FileDescriptor) throws(EventLoopError) {
        guard covers(descriptor) else { return }
        let entry = entries[Int(descriptor.rawValue)]
        guard !entry.isOwned else { throw Self.isOwned(descriptor) }
        guard entry.read == .none, entry.write == .none else {
            throw .invalidState(
                "descriptor \(descriptor.rawValue) is in use by a sock call, a reader or a writer: end that first"
            )
        }
    }

    // MARK: - Calls

    /// Takes a side for a call. False when another call has it.
    @inline(__always)
    func takeForCall(_ descriptor: FileDescriptor, _ side: Readiness) throws(EventLoopError) -> Bool {
        let index = extend(to: descriptor)
        if !entries[index].isOwned, entries[index][side] == .none {
            entries[index][side] = .call
            extendActivities(to: index)
            return true
        }
        return try takeUsed(descriptor, side)
    }

    @inline(never)
    private func takeUsed(_ descriptor: FileDescriptor, _ side: Readiness) throws(EventLoopError) -> Bool {
        let entry = entries[Int(descriptor.rawValue)]
        guard !entry.isOwned else { throw Self.isOwned(descriptor) }
        guard entry[side] == .call else {
            let (what, remover) = side == .read ? ("reader", "removeReader") : ("writer", "removeWriter")
            throw .invalidState("descriptor \(descriptor.rawValue) has a \(what): call \(remover) first")
        }
        return false
    }

    /// `turn` ends when the side is the caller's.
    func enqueue(_ turn: Future<Void>, for descriptor: FileDescriptor, _ side: Readiness) {
        let key = WaitingKey(descriptor: descriptor.rawValue, side: side.rawValue)
        waiting[key, default: []].append(turn)
    }

    /// The caller does not wait any more.
    func dequeue(_ turn: Future<Void>, for descriptor: FileDescriptor, _ side: Readiness) {
        let key = WaitingKey(descriptor: descriptor.rawValue, side: side.rawValue)
        waiting[key]?.removeAll { $0 === turn }
        if waiting[key]?.isEmpty == true { waiting[key] = nil }
    }

    /// How many calls wait for their turn.
    var waitingCount: Int { waiting.values.reduce(0) { $0 + $1.count } }

    /// Ends a call: the side is the next one's who waits for it.
    @inline(__always)
    func releaseAfterCall(_ descriptor: FileDescriptor, _ side: Readiness) {
        let index = Int(descriptor.rawValue)
        activities[index][side] = nil
        if !waiting.isEmpty, handOn(descriptor, side) { return }
        entries[index][side] = .none
    }

    @inline(never)
    private func handOn(_ descriptor: FileDescriptor, _ side: Readiness) -> Bool {
        let key = WaitingKey(descriptor: descriptor.rawValue, side: side.rawValue)
        while let next = waiting[key]?.first {
            dequeue(next, for: descriptor, side)
            // A cancelled one has not got round to leaving.
            guard next.isPending else { continue }
            guard !entries[Int(descriptor.rawValue)].isOwned else {
                // Closed under them all, and somebody else's by now.
                next.fail(Self.isOwned(descriptor))
                continue
            }
            next.succeed(())
            return true
        }
        return false
    }

    /// Remembers what a call does now, for the case that its descriptor is closed under it.
    @inline(__always)
    func noteOperation(_ token: OperationToken, on operation: IOOperation) {
        guard let side = operation.side, let descriptor = operation.descriptor else { return }
        let index = Int(descriptor.rawValue)
        guard index >= 0, index < entries.count else { return }
        if entries[index][side] == .call { activities[index][side] = token }
    }

    /// Whether a socket may send at once, past the backend, in this turn.
    @inline(__always)
    func allowsImmediateSend(_ descriptor: FileDescriptor, turn: UInt32) -> Bool {
        let index = Int(descriptor.rawValue)
        if activities[index].sendTurn != turn {
            activities[index].sendTurn = turn
            activities[index].sendCount = 0
        }
        activities[index].sendCount += 1
        return activities[index].sendCount <= Self.immediateSendsMax
    }

    /// Whether the descriptor was found to be a stream socket. That is remembered until a receive finds the end of the stream or
    /// an error, or the descriptor has an owner: who closes a socket past the loop and gets its number for one that keeps the bounds
    /// of messages hears of it when a message is cut, and not before.
    @inline(__always)
    func isStream(_ descriptor: FileDescriptor) -> Bool {
        entries[Int(descriptor.rawValue)].isStream
    }

    func noteStream(_ descriptor: FileDescriptor, _ isStream: Bool) {
        entries[Int(descriptor.rawValue)].isStream = isStream
    }

    // MARK: - Watches

    /// Throws when a side cannot be watched, for it is somebody else's.
    func checkCanWatch(_ descriptor: FileDescriptor, _ side: Readiness) throws(EventLoopError) {
        guard covers(descriptor) else { return }
        let entry = entries[Int(descriptor.rawValue)]
        guard !entry.isOwned else { throw Self.isOwned(descriptor) }
        guard entry[side] != .call else {
            throw .invalidState(
                "a sock call is under way on descriptor \(descriptor.rawValue): wait for its end"
            )
        }
    }

    /// Throws when somebody owns it, so that it has no watch of the program's.
    func checkHasNoOwner(_ descriptor: FileDescriptor) throws(EventLoopError) {
        guard !hasOwner(descriptor) else { throw Self.isOwned(descriptor) }
    }

    func setWatch(_ operation: OperationToken, _ descriptor: FileDescriptor, _ side: Readiness) {
        let index = extend(to: descriptor)
        entries[index][side] = .watch
        extendActivities(to: index)
        activities[index][side] = operation
    }

    func releaseAfterWatch(_ descriptor: FileDescriptor, _ side: Readiness) {
        let index = extend(to: descriptor)
        guard entries[index][side] == .watch else { return }
        entries[index][side] = .none
        activities[index][side] = nil
    }

    /// What a side is used for, and its operation.
    func use(of descriptor: FileDescriptor, _ side: Readiness) -> (use: Use, operation: OperationToken?) {
        let index = extend(to: descriptor)
        return (entries[index][side], index < activities.count ? activities[index][side] : nil)
    }

    // MARK: - Inside

    @inline(__always)
    private func extend(to descriptor: FileDescriptor) -> Int {
        precondition(descriptor.rawValue >= 0, "no descriptor is below zero")
        let index = Int(descriptor.rawValue)
        if index >= entries.count { entries.extend(to: index + 1, filling: Entry()) }
        return index
    }

    @inline(__always)
    private func extendActivities(to index: Int) {
        if index >= activities.count { activities.extend(to: index + 1, filling: Activity()) }
    }

    private static func isOwned(_ descriptor: FileDescriptor) -> EventLoopError {
        .invalidState(
            "descriptor \(descriptor.rawValue) belongs to a transport, a server or a child process of this loop: use that"
        )
    }
}
