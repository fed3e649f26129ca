/// The loop's tasks behind those of the runtime's tasks that have waited lately. To ask for the task-local value instead, at each
/// wait, costs as much as a wait's place in a list.
///
/// A task that ends, or lends its waits to a part of it and takes them back, makes the loop forget the name that it had. So what is
/// known is alive, and waits under that name.
final class KnownTasks {
    private struct Entry {
        var name: UnsafeRawPointer?
        unowned(unsafe) var task: (any RegisteredTask)?
    }

    // Exclusivity: it belongs to the loop's thread, and no method calls out while it changes it.
    @exclusivity(unchecked) private var entries = [Entry](repeating: Entry(), count: 256)

    /// - Parameter name: the runtime's task.
    @inline(__always)
    func find(_ name: UnsafeRawPointer) -> (any RegisteredTask)? {
        let entry = entries[place(of: name)]
        return entry.name == name ? entry.task : nil
    }

    /// Another one that has the same place is forgotten.
    func remember(_ task: any RegisteredTask, as name: UnsafeRawPointer) {
        precondition(task.runningTask == name, "a task was remembered by another's name")
        task.isKnown = true
        entries[place(of: name)] = Entry(name: name, task: task)
    }

    func forget(_ name: UnsafeRawPointer) {
        let place = place(of: name)
        if entries[place].name == name { entries[place] = Entry() }
    }

    @inline(__always)
    private func place(of name: UnsafeRawPointer) -> Int {
        // The upper bits of the product depend on all of the address's.
        Int(truncatingIfNeeded: (UInt64(UInt(bitPattern: name)) &* 0x9E37_79B9_7F4A_7C15) >> 56)
    }
}
