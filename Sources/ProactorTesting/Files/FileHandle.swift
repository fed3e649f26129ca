import CPosix
import Glibc
import Proactor
import SystemPackage

/// An open regular file or folder of a simulated disk.
final class FileHandle: OpenFile {
    let node: FileNode
    let flags: Int32
    private var position: Int64 = 0

    init(host: HostKernel, _ node: FileNode, flags: Int32) {
        self.node = node
        self.flags = flags
        super.init(host: host)
    }

    override var kind: DescriptorKind { node.kind == .folder ? .directory : .regularFile }
    override var canBeWatched: Bool { false }
    override var readiness: Readiness { [.read, .write] }

    var isReadable: Bool { flags & O_ACCMODE != O_WRONLY }
    var isWritable: Bool { flags & O_ACCMODE != O_RDONLY }

    override func read(into room: UnsafeMutableRawBufferPointer) -> Int {
        let count = read(into: room, at: position)
        if count > 0 { position += Int64(count) }
        return count
    }

    override func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = write(bytes, at: position)
        if count > 0 { position += Int64(count) }
        return count
    }

    /// Returns the count, or minus errno.
    func read(into room: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
        guard node.kind != .folder else { return -Int(EISDIR) }
        guard isReadable else { return -Int(EBADF) }
        guard offset >= 0 else { return -Int(EINVAL) }
        let count = node.read(at: offset, into: room, limit: world.choices.part(of: room.count))
        world.note(.fileRead, host.index, Int64(count))
        return count
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int {
        guard isWritable else { return -Int(EBADF) }
        guard offset >= 0 else { return -Int(EINVAL) }
        guard bytes.count > 0 else { return 0 }
        let count = world.choices.part(of: bytes.count)
        let start = flags & O_APPEND != 0 ? Int64(node.content.count) : offset
        node.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]), at: start, time: world.now)
        world.note(.fileWritten, host.index, Int64(count))
        return count
    }

    func synchronize() -> Int32 {
        node.synchronize()
        world.note(.fileSynchronized, host.index, 0)
        return 0
    }

    /// Fills the memory as statx(2) does: see statx(2) for the offsets.
    func fillStatus(_ memory: UnsafeMutableRawPointer) {
        Self.fillStatus(memory, of: node)
    }

    static func fillStatus(_ memory: UnsafeMutableRawPointer, of node: FileNode) {
        // The caller's memory has the 256 bytes of a `struct statx`, aligned for 8.
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: 256)
        let type: UInt32 =
            switch node.kind {
            case .regular: S_IFREG
            case .folder: S_IFDIR
            case .socket: S_IFSOCK
            case .fifo: S_IFIFO
            }
        let seconds = node.modifiedAt / 1_000_000_000
        let nanoseconds = UInt32(node.modifiedAt % 1_000_000_000)
        memory.storeBytes(of: 0x7ff, toByteOffset: 0, as: UInt32.self)
        memory.storeBytes(of: UInt32(FileNode.pageSize), toByteOffset: 4, as: UInt32.self)
        memory.storeBytes(of: 1, toByteOffset: 16, as: UInt32.self)
        memory.storeBytes(of: UInt16(type | node.mode & 0o7777), toByteOffset: 28, as: UInt16.self)
        memory.storeBytes(of: node.number, toByteOffset: 32, as: UInt64.self)
        memory.storeBytes(of: UInt64(node.content.count), toByteOffset: 40, as: UInt64.self)
        memory.storeBytes(of: UInt64((node.content.count + 511) / 512), toByteOffset: 48, as: UInt64.self)
        for offset in [64, 96, 112] {
            memory.storeBytes(of: seconds, toByteOffset: offset, as: Int64.self)
            memory.storeBytes(of: nanoseconds, toByteOffset: offset + 8, as: UInt32.self)
        }
        memory.storeBytes(of: seconds, toByteOffset: 80, as: Int64.self)
    }
}

/// `/dev/null`.
final class NullDevice: OpenFile {
    override var kind: DescriptorKind { .device }
    override var canBeWatched: Bool { false }
    override var readiness: Readiness { [.read, .write] }
    override func read(into room: UnsafeMutableRawBufferPointer) -> Int { 0 }
    override func write(_ bytes: UnsafeRawBufferPointer) -> Int { bytes.count }
}
