import CPosix
import Glibc
import Proactor
import SystemPackage

/// The calls on files, each as it comes to an end. They say zero or more, or minus errno.
extension SimulatedProcess {
    func openFile(_ path: UnsafePointer<CChar>, flags: Int32, mode: UInt32) -> Int32 {
        // The path ends with a zero.
        let bytes = UnsafeRawBufferPointer(start: path, count: strlen(path))
        do throws(Errno) {
            let file = try openedFile(at: Array(bytes), flags: flags, mode: mode)
            let descriptor = try open(file)
            world.note(.fileOpened, host.index, Int64(descriptor.rawValue))
            return descriptor.rawValue
        } catch {
            return -error.rawValue
        }
    }

    private func openedFile(at path: [UInt8], flags: Int32, mode: UInt32) throws(Errno) -> OpenFile {
        if path.elementsEqual("/dev/null".utf8) { return NullDevice(host: host) }
        let node: FileNode
        if let found = host.files.node(at: path) {
            guard flags & O_CREAT == 0 || flags & O_EXCL == 0 else { throw .fileExists }
            node = found
        } else {
            guard flags & O_CREAT != 0 else { throw .noSuchFileOrDirectory }
            node = try host.files.make(.regular, at: path, mode: mode & 0o7777, time: world.now)
        }
        if flags & cposix_path_flag() != 0 { return FileHandle(host: host, node, flags: O_RDONLY) }
        switch node.kind {
        case .folder:
            guard flags & O_ACCMODE == O_RDONLY else { throw .isDirectory }
        case .socket:
            throw Errno(rawValue: ENXIO)
        case .fifo:
            throw .notSupported
        case .regular:
            guard flags & O_DIRECTORY == 0 else { throw .notDirectory }
            if flags & O_TRUNC != 0, flags & O_ACCMODE != O_RDONLY { node.truncate(time: world.now) }
        }
        return FileHandle(host: host, node, flags: flags)
    }

    func readFile(_ descriptor: FileDescriptor, _ room: UnsafeMutableRawBufferPointer, at offset: Int64)
        -> Int32
    {
        guard let file = file(descriptor) else { return -EBADF }
        guard let handle = file as? FileHandle else { return Int32(file.read(into: room)) }
        return Int32(handle.read(into: room, at: offset))
    }

    func writeFile(_ descriptor: FileDescriptor, _ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int32 {
        guard let file = file(descriptor) else { return -EBADF }
        guard let handle = file as? FileHandle else { return Int32(file.write(bytes)) }
        return Int32(handle.write(bytes, at: offset))
    }

    func synchronizeFile(_ descriptor: FileDescriptor) -> Int32 {
        guard let file = file(descriptor) else { return -EBADF }
        guard let handle = file as? FileHandle else { return -EINVAL }
        return handle.synchronize()
    }

    func fileStatus(_ descriptor: FileDescriptor, _ memory: UnsafeMutableRawPointer) -> Int32 {
        guard let file = file(descriptor) else { return -EBADF }
        if let handle = file as? FileHandle {
            handle.fillStatus(memory)
        } else {
            let kind: FileNode.Kind = file.kind == .pipe ? .fifo : .socket
            FileHandle.fillStatus(memory, of: FileNode(number: 0, kind: kind, mode: 0o600, time: world.now))
        }
        return 0
    }

    /// Sends a piece of a file. Returns how many bytes, zero at the file's end, or minus errno.
    func sendFile(_ socket: FileDescriptor, _ file: FileDescriptor, at offset: Int64, count: Int) -> Int {
        guard let target = self.file(socket), let source = self.file(file) else { return -Int(EBADF) }
        guard let handle = source as? FileHandle, handle.node.kind == .regular else { return -Int(EINVAL) }
        let content = handle.node.content
        guard offset < content.count else { return 0 }
        let end = min(Int(offset) + count, content.count)
        return content.withUnsafeBytes {
            target.write(UnsafeRawBufferPointer(rebasing: $0[Int(offset)..<end]))
        }
    }
}
