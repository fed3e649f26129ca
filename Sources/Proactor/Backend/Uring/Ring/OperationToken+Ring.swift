extension OperationToken {
    /// Whether it names an accept that goes on until it is cancelled.
    var isAccept: Bool { rawValue >> 56 == UInt64(OperationKind.accept.rawValue) }

    /// Whether it names housekeeping, and no operation.
    var isHousekeeping: Bool { rawValue >> 56 >= UInt64(OperationKind.wake.rawValue) }

    /// Whether a completion under this name is no operation's own: housekeeping, or one step of a file on its way.
    var isSpecial: Bool { rawValue >> 56 >= UInt64(OperationKind.sendFile.rawValue) }

    /// The same operation under another kind: how a ring tells an operation's steps apart.
    package func named(_ kind: OperationKind) -> OperationToken {
        OperationToken(kind: kind, generation: generation, slot: slot)
    }
}
