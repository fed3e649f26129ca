/// Something of the library's that this object holds a reference to.
protocol OpenSSLObject: AnyObject, Sendable {
    /// Valid as long as this object is, which may end with its last use, before a call that has the pointer: see ``lend(_:)``.
    var pointer: OpaquePointer { get }
}

extension OpenSSLObject {
    /// Calls `body` with what is held, and lets nobody release it until that returns.
    func lend<Result>(_ body: (OpaquePointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(self) { try body(pointer) }
    }
}
