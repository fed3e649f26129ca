import CPosix
import Synchronization

/// Whether there are task-local values that a callback would have to see.
///
/// To carry them takes a task for each callback. The Swift runtime does not say whether there are any, so its list of them
/// is looked at: see CPosix.h. As long as nobody has found out how to, or where that has failed, there may always be some.
enum TaskLocals {
    @TaskLocal private static var probe = 0

    /// Where a task keeps its list; below zero when that is not known.
    private static let place = Atomic<Int32>(-1)
    private static let isSought = Atomic<Bool>(false)

    /// Finds out where the list is, once. To be called by a task in which `own` is the value that was bound last.
    @inline(__always)
    static func find(within own: TaskLocal<some Sendable>) {
        if !isSought.load(ordering: .relaxed) { seek(own) }
    }

    @inline(never)
    private static func seek(_ own: TaskLocal<some Sendable>) {
        guard !isSought.exchange(true, ordering: .relaxed) else { return }
        let found = $probe.withValue(1) { cposix_find_task_locals(key(own), key($probe)) }
        // The value of `own` is bound again: the head has to follow both ways.
        if cposix_is_last_task_local(found, key(own)) { place.store(found, ordering: .relaxed) }
    }

    /// Whether the calling task may have bound another value than `own`.
    @inline(__always)
    static func mayHaveOthers(than own: TaskLocal<some Sendable>) -> Bool {
        !cposix_has_no_task_locals_but(place.load(ordering: .relaxed), key(own))
    }

    /// What the runtime knows a task-local by: the address of the object, which is never released.
    @inline(__always)
    private static func key(_ value: TaskLocal<some Sendable>) -> UnsafeRawPointer {
        UnsafeRawPointer(Unmanaged.passUnretained(value).toOpaque())
    }
}
