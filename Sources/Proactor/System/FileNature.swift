import CPosix

/// What can be expected of a file.
struct FileNature: OptionSet {
    var rawValue: Int32

    /// On a disk, or posing as if it were.
    static let regular = FileNature(rawValue: Int32(CPOSIX_NATURE_REGULAR))
    /// A symbolic link itself.
    static let link = FileNature(rawValue: Int32(CPOSIX_NATURE_LINK))
    /// A FIFO, or a pipe without a name.
    static let fifo = FileNature(rawValue: Int32(CPOSIX_NATURE_FIFO))
    /// Reading may have to wait for somebody else, for ever perhaps, and readiness tells when there is something.
    static let waits = FileNature(rawValue: Int32(CPOSIX_NATURE_WAITS))
    static let socket = FileNature(rawValue: Int32(CPOSIX_NATURE_SOCKET))
    /// A terminal, or another character device that waits.
    static let device = FileNature(rawValue: Int32(CPOSIX_NATURE_DEVICE))
    /// It has no positions.
    static let stream = FileNature(rawValue: Int32(CPOSIX_NATURE_STREAM))
}
