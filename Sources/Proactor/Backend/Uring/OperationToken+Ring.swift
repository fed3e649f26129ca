extension OperationToken {
    /// Whether it names housekeeping, and no operation.
    var isHousekeeping: Bool { rawValue >> 56 >= UInt64(OperationKind.wake.rawValue) }
}
