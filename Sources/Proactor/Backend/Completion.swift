import SystemPackage

/// What became of an operation, or of one step of a multishot one.
struct Completion {
    /// The operation.
    let token: OperationToken
    /// The kernel's word: zero or more, else minus errno.
    let result: Int32
    /// Whether the operation is over: its slot is free and its memory is the owner's again.
    let isFinal: Bool
    /// What ``IOOperation/receive(_:)``, ``IOOperation/receiveOnce(_:maxCount:)`` or
    /// ``IOOperation/receiveDatagrams(_:_:)`` brought: lent for the call. Of ``IOOperation/accept(_:)`` the peer's address in the
    /// kernel's form, where the backend learns it by the way. Empty for every other operation.
    let bytes: UnsafeRawBufferPointer

    init(
        token: OperationToken,
        result: Int32,
        isFinal: Bool,
        bytes: UnsafeRawBufferPointer = .init(start: nil, count: 0)
    ) {
        self.token = token
        self.result = result
        self.isFinal = isFinal
        self.bytes = bytes
    }

    /// The error, when it is one.
    var errno: Errno? { result < 0 ? Errno(rawValue: -result) : nil }
}
