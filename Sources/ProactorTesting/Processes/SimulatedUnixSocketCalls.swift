import Glibc
import Proactor
import SystemPackage

/// ``UnixSocketCalls`` of a simulated process.
///
/// `@unchecked Sendable`: the simulation's thread alone uses it.
final class SimulatedUnixSocketCalls: UnixSocketCalls, @unchecked Sendable {
    private let process: SimulatedProcess

    init(process: SimulatedProcess) {
        self.process = process
    }

    private var files: FileSystem { process.host.files }

    func openFolder(at path: [UInt8]) throws(Errno) -> FileDescriptor {
        guard let node = files.node(at: path) else { throw .noSuchFileOrDirectory }
        guard node.kind == .folder else { throw .notDirectory }
        return try process.open(FileHandle(host: process.host, node, flags: O_RDONLY))
    }

    private func node(of folder: FileDescriptor) throws(Errno) -> FileNode {
        guard let handle = process.file(folder) as? FileHandle else { throw .badFileDescriptor }
        return handle.node
    }

    private func find(_ name: [UInt8], in folder: FileDescriptor) throws(Errno) -> FileNode? {
        let folder = try node(of: folder)
        return folder.entries.first { $0.name == name }?.node
    }

    func identity(of name: [UInt8], in folder: FileDescriptor) throws(Errno) -> FileIdentity? {
        try find(name, in: folder).map(Self.identity)
    }

    private static func identity(_ node: FileNode) -> FileIdentity {
        FileIdentity(device: 1, inode: node.number, isSocket: node.kind == .socket)
    }

    func removeFile(_ name: [UInt8], _ file: FileIdentity, in folder: FileDescriptor) throws(Errno) {
        guard let node = try find(name, in: folder) else { throw .noSuchFileOrDirectory }
        guard Self.identity(node) == file else { throw Errno(rawValue: ESTALE) }
        files.remove(name, in: try self.node(of: folder))
    }

    func setPermissions(
        _ permissions: FilePermissions,
        of name: [UInt8],
        _ file: FileIdentity,
        in folder: FileDescriptor
    ) throws(Errno) {
        guard let node = try find(name, in: folder), Self.identity(node) == file else {
            throw Errno(rawValue: ESTALE)
        }
        node.mode = UInt32(permissions.rawValue)
    }

    func setPermissions(_ permissions: FilePermissions, ofUnbound socket: FileDescriptor) throws(Errno) {
        guard process.file(socket) != nil else { throw .badFileDescriptor }
    }

    func isBound(_ socket: FileDescriptor, to file: FileIdentity) -> Bool? {
        guard let open = process.file(socket) else { return nil }
        let local = (open as? StreamSocket)?.local ?? (open as? DatagramSocket)?.local
        guard let path = local?.pathBytes, let node = files.node(at: path) else { return false }
        return Self.identity(node) == file && node.socket === open
    }

    func isAlive(at address: SocketAddress) throws(Errno) -> Bool {
        switch process.host.unixSocket(at: address) {
        case .success: return true
        case .failure(let failure):
            guard failure.errno == ECONNREFUSED || failure.errno == ENOENT else {
                throw Errno(rawValue: failure.errno)
            }
            return false
        }
    }

    func peerCredentials(of socket: FileDescriptor) throws(Errno) -> PeerCredentials? {
        guard let file = process.file(socket) else { throw .badFileDescriptor }
        return (file as? StreamSocket)?.peerCredentials
    }
}
