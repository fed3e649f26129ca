/// What a loop keeps in a ``Registry`` until it is closed: a transport, a listener, a child process.
protocol RegistryMember: AnyObject, CustomStringConvertible {
    /// Its place in the registry, for the registry's use.
    var registryIndex: Int32 { get set }
    /// The loop closes, and nothing is in flight any more. In a fork, what exists outside of the process, such as a child or a
    /// file, is left to the parent.
    func closeWithLoop(inFork: Bool)
    /// Lets go of what is the program's, when all else of the loop is closed: its deinitialisers may call anything.
    func releaseUsersObjects()
}

/// What a loop has made and that is not closed: keeps it alive, and finds what was never closed. To enter and to leave costs no
/// search.
struct Registry<Member: RegistryMember> {
    private(set) var members: [Member] = []

    var count: Int { members.count }

    mutating func insert(_ member: Member) {
        member.registryIndex = Int32(members.count)
        members.append(member)
    }

    /// The last one takes the place of the one that goes.
    mutating func remove(_ member: Member) {
        let index = Int(member.registryIndex)
        precondition(members[index] === member, "\(member) left its loop twice")
        member.registryIndex = -1
        let last = members.removeLast()
        guard last !== member else { return }
        last.registryIndex = Int32(index)
        members[index] = last
    }

    /// Empties the registry and returns what was in it.
    mutating func takeAll() -> [Member] {
        defer { members = [] }
        return members
    }
}
