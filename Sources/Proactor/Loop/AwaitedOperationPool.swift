/// The ``AwaitedOperation`` objects of a loop that nobody uses.
struct AwaitedOperationPool {
    private var idle: [AwaitedOperation] = []

    /// As many as are kept: a server of a thousand connections allocates none.
    private static let idleMax = 1024

    mutating func take(for loop: BaseEventLoop) -> AwaitedOperation {
        idle.popLast() ?? AwaitedOperation(loop: loop)
    }

    mutating func giveBack(_ operation: AwaitedOperation) {
        operation.reset()
        if idle.count < Self.idleMax { idle.append(operation) }
    }
}
