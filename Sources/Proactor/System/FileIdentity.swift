/// Which file a path names: two paths with the same identity are the same file.
struct FileIdentity: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64
    var isSocket: Bool
}
