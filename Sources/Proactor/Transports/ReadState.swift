/// What a transport's receiving side has in the kernel.
enum ReadState: Equatable {
    /// Nothing.
    case idle
    /// A receive.
    case receiving(OperationToken)
    /// A receive that was asked to end; until its final completion it may still bring data.
    case stopping(OperationToken)
}
