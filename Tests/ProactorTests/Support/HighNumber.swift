import Glibc
import SystemPackage

/// Descriptors' numbers that only one test uses.
enum HighNumber {
    /// They begin here: near the limit, which the other tests' descriptors do not come to.
    private static let start: Int32 = {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int32(min(limit.rlim_cur, 16_384)) - 64
    }()

    /// One that no test's descriptor has.
    static var unused: Int32 { start - 1 }

    /// A duplicate at the `index`th of the 64 high numbers.
    ///
    /// Other tests open hundreds of descriptors meanwhile. Where one of them has the number this throws: `dup2` would close
    /// the other test's descriptor without a word.
    static func duplicate(_ descriptor: FileDescriptor, at index: Int32) throws -> FileDescriptor {
        let number = start + index
        let duplicate = fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, number)
        guard duplicate >= 0 else { throw Errno(rawValue: errno) }
        guard duplicate == number else {
            try FileDescriptor(rawValue: duplicate).close()
            throw Errno.fileExists
        }
        return FileDescriptor(rawValue: duplicate)
    }
}
