import CPosix
import Glibc
import SystemPackage

/// What the file system knows of a file, as `statx(2)` tells it.
///
/// ```swift
/// let status = try await file.status()
/// print("\(status.size) bytes, changed \(status.modifiedAt) after 1970 began")
/// ```
public struct FileStatus: Hashable, Sendable {
    /// What a file is.
    public enum Kind: Hashable, Sendable {
        /// Bytes on a disk.
        case regular
        /// A directory.
        case directory
        /// A symbolic link.
        case symbolicLink
        /// A device that is read and written in characters, such as a terminal.
        case characterDevice
        /// A device that is read and written in blocks, such as a disk.
        case blockDevice
        /// A named pipe.
        case fifo
        /// A Unix socket.
        case socket
        /// Something that this library does not know.
        case other
    }

    /// What it is.
    public let kind: Kind
    /// Who may do what with it.
    public let permissions: FilePermissions
    /// Its length in bytes.
    public let size: Int64
    /// What it takes on the disk, in bytes.
    public let allocatedSize: Int64
    /// How many names it has.
    public let linkCount: Int
    /// The user that owns it.
    public let userID: UInt32
    /// The group that owns it.
    public let groupID: UInt32
    /// Its number on its device; two files with the same number and device are one.
    public let inode: UInt64
    /// The number of the device that it is on.
    public let device: UInt64
    /// When it was read last, as the time since 1970 began (UTC).
    public let accessedAt: Duration
    /// When its content was changed last, as the time since 1970 began (UTC).
    public let modifiedAt: Duration
    /// When its content or what is said here was changed last, as the time since 1970 began (UTC).
    public let statusChangedAt: Duration
    /// When it was made, as the time since 1970 began (UTC); `nil` where the file system does not keep it.
    public let createdAt: Duration?
    /// Bytes in which reading and writing go best.
    public let preferredBlockSize: Int
    /// What direct I/O wants of the memory's address, in bytes; `nil` where the file system does not say, or has none.
    public let directMemoryAlignment: Int?
    /// What direct I/O wants of offsets and counts, in bytes; `nil` as above.
    public let directOffsetAlignment: Int?

    init(_ raw: cposix_file_status) {
        kind = Kind(mode: raw.mode)
        permissions = FilePermissions(rawValue: CInterop.Mode(raw.mode & 0o7777))
        size = raw.size
        allocatedSize = raw.allocated_bytes
        linkCount = Int(raw.link_count)
        userID = raw.user
        groupID = raw.group
        inode = raw.inode
        device = raw.device
        accessedAt = .nanoseconds(raw.access_time_ns)
        modifiedAt = .nanoseconds(raw.modification_time_ns)
        statusChangedAt = .nanoseconds(raw.change_time_ns)
        createdAt = raw.has_birth_time ? .nanoseconds(raw.birth_time_ns) : nil
        preferredBlockSize = Int(raw.block_size)
        let memory = Int(raw.direct_memory_alignment)
        let offset = Int(raw.direct_offset_alignment)
        directMemoryAlignment = memory > 0 ? memory : nil
        directOffsetAlignment = offset > 0 ? offset : nil
    }
}

extension FileStatus.Kind {
    fileprivate init(mode: UInt32) {
        switch mode_t(mode) & S_IFMT {
        case S_IFREG: self = .regular
        case S_IFDIR: self = .directory
        case S_IFLNK: self = .symbolicLink
        case S_IFCHR: self = .characterDevice
        case S_IFBLK: self = .blockDevice
        case S_IFIFO: self = .fifo
        case S_IFSOCK: self = .socket
        default: self = .other
        }
    }
}
