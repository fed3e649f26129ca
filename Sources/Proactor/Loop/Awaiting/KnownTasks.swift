/// The loop's tasks behind those of the runtime's tasks that have waited lately. To ask for the task-local value instead, at each
/// wait, costs as much as a wait's place in a list.
///
/// A task that ends, or lends its waits to a part of it and takes them back, makes the loop forget the name that it had. So what is
/// known is alive, and waits under that name.
///
/// A name belongs to one of two places, side by side. There are more places when tasks that were known have often been displaced:
/// those that never wait again, however many, take no memory.
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
    /// How many had to be remembered again since there were that many places.
    @exclusivity(unchecked) private var returns = 0

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
        if task.isKnown { noteReturn() }
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

    /// A task is here that was displaced.
    private func noteReturn() {
        returns += 1
        guard returns > entries.count, entries.count < Self.countMax else { return }
        returns = 0
        let known = entries
        entries = [Entry](repeating: Entry(), count: 2 * known.count)
        // Not `for entry in known`: without optimization Swift 6.3 takes no optional entry for `nil`, and goes on for good.
        for index in known.indices { add(known[index]) }
    }

    /// The first of its two places.
    @inline(__always)
    private func place(of name: UnsafeRawPointer) -> Int {
        // The upper bits of the product depend on all of the address's.
        let product = UInt(bitPattern: name) &* 0x9E37_79B9_7F4A_7C15
        return Int(bitPattern: product >> 32) & (entries.count - 2)
    }
}
