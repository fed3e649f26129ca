import SystemPackage

/// Where the file of a Unix socket stands, or will: a name in a folder that is held open. So it is the same place whatever is
/// done to the path meanwhile, by whoever may write to a folder on it, and wherever the process's working directory is.
///
/// It is to be closed.
struct SocketPlace {
    private let system: any SystemCalls
    let folder: FileDescriptor
    private let name: [UInt8]

    /// `nil` for a path that leads to no folder, or names nothing in one: to bind a socket there says what is wrong with it.
    init?(_ path: [UInt8], by system: any SystemCalls) throws(Errno) {
        let slash = path.lastIndex(of: UInt8(ascii: "/"))
        name = slash.map { Array(path[($0 + 1)...]) } ?? path
        guard !name.isEmpty, !path.contains(0) else { return nil }
        let folderPath = slash.map { Array(path[...$0]) } ?? [UInt8(ascii: ".")]
        do { folder = try system.unixSockets.openFolder(at: folderPath) } catch .noSuchFileOrDirectory {
            return nil
        }
        self.system = system
    }

    func close() {
        try? system.close(folder)
    }

    /// What stands there.
    func identity() throws(Errno) -> FileIdentity? {
        try system.unixSockets.identity(of: name, in: folder)
    }

    /// Which file there is a socket's own. One that has replaced it is not.
    func file(of socket: FileDescriptor) throws(Errno) -> FileIdentity? {
        guard let found = try identity(), found.isSocket else { return nil }
        // Where the kernel does not say what a socket is bound to, its name has to do.
        return system.unixSockets.isBound(socket, to: found) == false ? nil : found
    }

    func remove(_ file: FileIdentity) throws(Errno) {
        try system.unixSockets.removeFile(name, file, in: folder)
    }

    func setPermissions(_ permissions: FilePermissions, of file: FileIdentity) throws(Errno) {
        try system.unixSockets.setPermissions(permissions, of: name, file, in: folder)
    }
}

/// The file of a Unix socket that goes with its socket. It has to be let go of by one of the two methods.
struct SocketFile {
    private let place: SocketPlace
    private let identity: FileIdentity

    init(_ identity: FileIdentity, at place: SocketPlace) {
        self.place = place
        self.identity = identity
    }

    /// What it holds open.
    var folder: FileDescriptor { place.folder }

    /// Removes it, unless another stands there by now. Called while the socket is open: nobody else gets its number.
    func remove() {
        try? place.remove(identity)
        place.close()
    }

    /// Leaves it where it is.
    func keep() {
        place.close()
    }
}
