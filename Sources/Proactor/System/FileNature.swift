import CPosix

/// What can be expected of a file.
package struct FileNature: OptionSet {
    package let rawValue: Int32

    package init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// On a disk, or posing as if it were.
    package static let regular = FileNature(rawValue: Int32(CPOSIX_NATURE_REGULAR))
    /// A symbolic link itself.
    package static let link = FileNature(rawValue: Int32(CPOSIX_NATURE_LINK))
    /// A FIFO, or a pipe without a name.
    package static let fifo = FileNature(rawValue: Int32(CPOSIX_NATURE_FIFO))
    /// Reading may have to wait for somebody else, for ever perhaps, and readiness tells when there is something.
    package static let waits = FileNature(rawValue: Int32(CPOSIX_NATURE_WAITS))
    package static let socket = FileNature(rawValue: Int32(CPOSIX_NATURE_SOCKET))
    /// A terminal, or another character device that waits.
    package static let device = FileNature(rawValue: Int32(CPOSIX_NATURE_DEVICE))
    /// It has no positions.
    package static let stream = FileNature(rawValue: Int32(CPOSIX_NATURE_STREAM))
}
