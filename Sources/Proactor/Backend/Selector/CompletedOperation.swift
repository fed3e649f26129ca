/// An operation that is over while its owner does not know it yet.
struct CompletedOperation: BitwiseCopyable {
    var token: OperationToken
    /// Zero or more, else minus errno.
    var result: Int32
}
