import CPosix
import SystemPackage

/// ``UnixSocketCalls`` on the real kernel.
final class LinuxUnixSocketCalls: UnixSocketCalls {
    func openFolder(at path: [UInt8]) throws(Errno) -> FileDescriptor {
        FileDescriptor(rawValue: try Errno.check(Self.withText(path) { cposix_open_folder($0) }))
    }

    func identity(of name: [UInt8], in folder: FileDescriptor) throws(Errno) -> FileIdentity? {
        var found = cposix_file_identity()
        let result = Self.withText(name) { cposix_file_identity_in(folder.rawValue, $0, &found) }
        return try Errno.check(result) == 1 ? FileIdentity(found) : nil
    }

    func removeFile(_ name: [UInt8], _ file: FileIdentity, in folder: FileDescriptor) throws(Errno) {
        try Errno.check(Self.withText(name) { cposix_remove_file_in(folder.rawValue, $0, file.form) })
    }

    func setPermissions(
        _ permissions: FilePermissions,
        of name: [UInt8],
        _ file: FileIdentity,
        in folder: FileDescriptor
    ) throws(Errno) {
        let mode = UInt32(permissions.rawValue)
        try Errno.check(Self.withText(name) { cposix_set_file_mode_in(folder.rawValue, $0, file.form, mode) })
    }

    func setPermissions(_ permissions: FilePermissions, ofUnbound socket: FileDescriptor) throws(Errno) {
        try Errno.check(cposix_set_socket_mode(socket.rawValue, UInt32(permissions.rawValue)))
    }

    func isBound(_ socket: FileDescriptor, to file: FileIdentity) -> Bool? {
        let answer = cposix_is_bound_to(socket.rawValue, file.form)
        return answer < 0 ? nil : answer == 1
    }

    func isAlive(at address: SocketAddress) throws(Errno) -> Bool {
        let answer = try address.withKernelForm { cposix_unix_address_is_alive($0, $1) }
        return try Errno.check(answer) == 1
    }

    func peerCredentials(of socket: FileDescriptor) throws(Errno) -> PeerCredentials? {
        var (process, user, group) = (Int32(0), UInt32(0), UInt32(0))
        guard try Errno.check(cposix_peer_credentials(socket.rawValue, &process, &user, &group)) == 1 else {
            return nil
        }
        return PeerCredentials(processID: process > 0 ? process : nil, userID: user, groupID: group)
    }

    /// Calls `body` with bytes that hold no zero, and the zero behind them.
    private static func withText(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> Int32) -> Int32 {
        // A copy that lives for the call, seen as the characters that C takes bytes for.
        (bytes + [0]).withUnsafeBufferPointer { text in
            text.withMemoryRebound(to: CChar.self) { body($0.baseAddress!) }
        }
    }
}

extension FileIdentity {
    fileprivate init(_ form: cposix_file_identity) {
        self.init(device: form.device, inode: form.inode, isSocket: form.is_socket)
    }

    fileprivate var form: cposix_file_identity {
        cposix_file_identity(device: device, inode: inode, is_socket: isSocket)
    }
}
