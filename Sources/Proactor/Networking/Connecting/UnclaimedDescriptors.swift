import SystemPackage

/// Descriptors that were made or accepted on behalf of a task which has not handed them on yet.
///
/// The task may never go on: a loop that closes leaves it suspended for good. Then the loop closes them.
struct UnclaimedDescriptors {
    private var numbers: Set<Int32> = []

    mutating func insert(_ descriptor: FileDescriptor) {
        let isNew = numbers.insert(descriptor.rawValue).inserted
        precondition(isNew, "a descriptor was made twice")
    }

    /// Somebody else has it from here on. Harmless for one that was never in here.
    mutating func remove(_ descriptor: FileDescriptor) {
        numbers.remove(descriptor.rawValue)
    }

    /// For a loop that closes: nothing is in flight any more.
    mutating func closeAll(by system: any SystemCalls) {
        // Not in a hash's order: a simulation does the same each time.
        for number in numbers.sorted() { try? system.close(FileDescriptor(rawValue: number)) }
        numbers = []
    }
}
