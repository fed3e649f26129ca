import SystemPackage

extension Errno {
    /// The result of a call that says zero or more, or minus errno: as the kernel itself and the calls of CPosix.
    @discardableResult
    static func check(_ result: Int32) throws(Errno) -> Int32 {
        guard result >= 0 else { throw Errno(rawValue: -result) }
        return result
    }
}
