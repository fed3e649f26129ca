/// The loop's tasks behind those of the runtime's tasks that have waited lately. To ask for the task-local value instead, at each
/// wait, costs as much as a wait's place in a list.
///
/// A task that ends, or lends its waits to a part of it and takes them back, makes the loop forget the name that it had. So what is
/// known is alive, and waits under that name.
///
/// A name belongs to one of two places, side by side. There are more places when a good part of those that are remembered had been
/// displaced: those that never wait again, however many, take no memory. The most are 192 KiB.
final class KnownTasks {
    private struct Entry {
        var name: UnsafeRawPointer?
        unowned(unsafe) var task: (any RegisteredTask)?
    }

    private static let countAtFirst = 256
    private static let countMax = 8192

    // Exclusivity: it belongs to the loop's thread, and no method calls out while it changes it.
    /// As many as a power of two.
    @exclusivity(unchecked) private var entries = [Entry](repeating: Entry(), count: countAtFirst)
    /// How many were remembered lately, and how many of them again.
    @exclusivity(unchecked) private var additions = 0
    @exclusivity(unchecked) private var returns = 0
    /// How many additions, for each place, are looked at together.
    private static let additionsPerPlace = 16

    /// How many places there are. For tests.
    var count: Int { entries.count }

    /// - Parameter name: the runtime's task.
    @inline(__always)
    func find(_ name: UnsafeRawPointer) -> (any RegisteredTask)? {
        let place = place(of: name)
        if entries[place].name == name { return entries[place].task }
        return entries[place + 1].name == name ? entries[place + 1].task : nil
    }

    /// Of two others that have its places, the one that was remembered first is displaced.
    func remember(_ task: any RegisteredTask, as name: UnsafeRawPointer) {
        precondition(task.runningTask == name, "a task was remembered by another's name")
        noteAddition(isReturn: task.isKnown)
        task.isKnown = true
        add(Entry(name: name, task: task))
    }

    func forget(_ name: UnsafeRawPointer) {
        let place = place(of: name)
        for place in place...place + 1 where entries[place].name == name { entries[place] = Entry() }
    }

    private func add(_ entry: Entry) {
        guard let name = entry.name else { return }
        let place = place(of: name)
        if entries[place].name != nil { entries[place + 1] = entries[place] }
        entries[place] = entry
    }

    /// - Parameter isReturn: whether the task was displaced before.
    private func noteAddition(isReturn: Bool) {
        additions += 1
        if isReturn { returns += 1 }
        if returns > entries.count, entries.count < Self.countMax { grow() }
        if additions > Self.additionsPerPlace * entries.count { (additions, returns) = (0, 0) }
    }

    private func grow() {
        (additions, returns) = (0, 0)
        let known = entries
        entries = [Entry](repeating: Entry(), count: 2 * known.count)
        // Backwards, as of two the one that was remembered last comes first. Not `for entry in`: in a debug build Swift 6.3 does not
        // find the end of a sequence of these.
        for index in known.indices.reversed() { add(known[index]) }
    }

    /// The first of its two places.
    @inline(__always)
    private func place(of name: UnsafeRawPointer) -> Int {
        // These bits of the product depend on all in which the addresses of tasks differ.
        let product = UInt(bitPattern: name) &* 0x9E37_79B9_7F4A_7C15
        return Int(bitPattern: product >> 32) & (entries.count - 2)
    }
}
