import SystemPackage

/// The part of ``SystemCalls`` for Unix sockets, their files and their peers. All of it completes at once.
///
/// Files are named in a folder that is held by a descriptor: a path may lead elsewhere the next time that it is walked, in a
/// folder that others may write to.
package protocol UnixSocketCalls: AnyObject, Sendable {
    /// A folder to name files in. The caller closes it.
    func openFolder(at path: [UInt8]) throws(Errno) -> FileDescriptor
    /// What stands there; `nil` when nothing does. A link is itself, and not what it leads to.
    func identity(of name: [UInt8], in folder: FileDescriptor) throws(Errno) -> FileIdentity?
    /// Removes the file if it is this one still; throws ESTALE if it is not.
    func removeFile(_ name: [UInt8], _ file: FileIdentity, in folder: FileDescriptor) throws(Errno)
    /// Gives a file its permissions if it is this one still; throws ESTALE if it is not.
    func setPermissions(
        _ permissions: FilePermissions,
        of name: [UInt8],
        _ file: FileIdentity,
        in folder: FileDescriptor
    ) throws(Errno)

    /// The most that the file may permit which a Unix socket gets when it is bound.
    func setPermissions(_ permissions: FilePermissions, ofUnbound socket: FileDescriptor) throws(Errno)
    /// Whether a Unix socket is bound to the file; `nil` where the kernel does not say.
    func isBound(_ socket: FileDescriptor, to file: FileIdentity) -> Bool?
    /// Whether a Unix socket, of whichever type, is open at the address, or may be. It disturbs nobody.
    func isAlive(at address: SocketAddress) throws(Errno) -> Bool
    /// Who a Unix socket is connected to; `nil` when the kernel does not know.
    func peerCredentials(of socket: FileDescriptor) throws(Errno) -> PeerCredentials?
}

/// Which file a path names: two paths with the same identity are the same file.
package struct FileIdentity: Hashable, Sendable {
    package var device: UInt64
    package var inode: UInt64
    package var isSocket: Bool

    package init(device: UInt64, inode: UInt64, isSocket: Bool) {
        self.device = device
        self.inode = inode
        self.isSocket = isSocket
    }
}
