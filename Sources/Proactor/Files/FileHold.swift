import SystemPackage

/// A descriptor that files of a loop stand for: one usually, several where standard input is used in two places, say. The last
/// one to be closed closes it.
///
/// `@unchecked Sendable`: a file may be let go of on any thread, and what that needs is behind a lock. The rest is the loop's
/// thread's.
final class FileHold: @unchecked Sendable {
    private struct State {
        var users = 1
        /// Whether somebody else closes the descriptor: a transport, or the loop.
        var isLost = false
    }

    let descriptor: FileDescriptor
    private let state = ThreadLock(State())
    /// How many operations of all its files are in flight.
    @exclusivity(unchecked) var operationCount = 0
    /// What the descriptor stands for, once it was looked at.
    @exclusivity(unchecked) var nature: FileNature?

    init(_ descriptor: FileDescriptor) {
        self.descriptor = descriptor
    }

    var isLost: Bool { state.withLock { $0.isLost } }

    /// Takes one more file in. False when there is none any more.
    func join() -> Bool {
        state.withLock { state in
            guard state.users > 0, !state.isLost else { return false }
            state.users += 1
            return true
        }
    }

    /// A file is done with it. Returns whether it was the last, and has to close the descriptor. Any thread.
    func leave() -> Bool {
        state.withLock { state in
            precondition(state.users > 0, "a file was closed twice")
            state.users -= 1
            return state.users == 0 && !state.isLost
        }
    }

    /// The descriptor is somebody else's.
    func lose() {
        state.withLock { $0.isLost = true }
    }
}

/// The descriptors of a loop's files.
struct FileHolds {
    private var holds: [FileDescriptor: FileHold] = [:]

    /// For a descriptor that was just opened.
    mutating func add(_ descriptor: FileDescriptor) -> FileHold {
        let hold = FileHold(descriptor)
        holds[descriptor] = hold
        return hold
    }

    /// For a descriptor that came from elsewhere.
    mutating func join(_ descriptor: FileDescriptor) -> FileHold {
        guard let hold = holds[descriptor], hold.join() else { return add(descriptor) }
        return hold
    }

    /// The last of its files was closed.
    mutating func remove(_ hold: FileHold) {
        if holds[hold.descriptor] === hold { holds[hold.descriptor] = nil }
    }

    /// Somebody else has the descriptor from here on. Returns whether files had it, and an operation in flight.
    @inline(__always)
    mutating func lose(_ descriptor: FileDescriptor) -> Bool {
        guard !holds.isEmpty, let hold = holds.removeValue(forKey: descriptor) else { return false }
        hold.lose()
        return hold.operationCount > 0
    }

    /// For a loop that closes, and closes what operations are in flight on.
    mutating func loseThoseInUse() {
        for hold in holds.values where hold.operationCount > 0 { hold.lose() }
        holds = [:]
    }
}
