import SystemPackage

/// What became of an operation, or of one step of a multishot one.
package struct Completion {
    /// The operation.
    package let token: OperationToken
    /// The kernel's word: zero or more, else minus errno.
    package let result: Int32
    /// Whether the operation is over: its slot is free and its memory is the owner's again.
    package let isFinal: Bool
    /// What ``IOOperation/receive(_:)``, ``IOOperation/receiveOnce(_:maxCount:)`` or
    /// ``IOOperation/receiveDatagrams(_:_:)`` brought: lent for the call. Of ``IOOperation/accept(_:)`` the peer's address in the
    /// kernel's form, where the backend learns it by the way. Empty for every other operation.
    package let bytes: UnsafeRawBufferPointer

    package init(
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
    package var errno: Errno? { result < 0 ? Errno(rawValue: -result) : nil }
}
