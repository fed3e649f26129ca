/// The memory of a list that is emptied again and again: to ask the allocator for it each time would cost more than what is in it.
struct SpareArray<Element> {
    private var spare: [Element] = []

    /// Takes what is in a list, which is empty from here on, with room.
    mutating func exchange(_ list: inout [Element]) -> [Element] {
        var taken: [Element] = []
        swap(&taken, &spare)
        swap(&taken, &list)
        return taken
    }

    /// Keeps the memory of what was taken.
    mutating func keep(_ taken: consuming [Element]) {
        taken.removeAll(keepingCapacity: true)
        spare = taken
    }
}
