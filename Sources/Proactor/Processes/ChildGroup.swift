import SystemPackage

/// The process group that a child leads.
///
/// Its number is the group's own until the child is reaped. From then on it may become a stranger's, once the last of the group is
/// gone, and only the child's pidfd still names the group.
final class ChildGroup {
    private let system: any SystemCalls
    /// The leader, once it is reaped.
    private var reaped: SpawnedProcess?

    init(system: any SystemCalls) {
        self.system = system
    }

    deinit {
        if let descriptor = reaped?.descriptor { try? system.close(descriptor) }
    }

    /// The leader is reaped: its descriptor is the group's from here on.
    func keep(_ leader: SpawnedProcess) {
        precondition(reaped == nil, "the leader of a group was reaped twice")
        reaped = leader
    }

    /// Returns whether there was anybody.
    ///
    /// - Parameter leader: the leader, unless it is reaped.
    func sendSignal(_ signal: Signal, leader: SpawnedProcess?) throws(ProcessError) -> Bool {
        guard let target = leader ?? reaped else { return false }
        do {
            try system.processes.sendSignal(signal, toGroupOf: target, isReaped: leader == nil)
            return true
        } catch .noSuchProcess {
            return false
        } catch {
            throw ProcessError(.signal, error)
        }
    }
}
