import Proactor

/// A file, a folder, or what else stands at a path of a simulated disk.
final class FileNode {
    enum Kind {
        case regular
        case folder
        case socket
        case fifo
    }

    static let pageSize = 4096

    let number: UInt64
    let kind: Kind
    var mode: UInt32
    /// What reads see.
    private(set) var content: [UInt8] = []
    /// What the disk holds for certain; `nil` when even its name may be lost.
    private(set) var durable: [UInt8]?
    /// Pages that were written and not synchronised, each once, in order.
    private var dirtyPages: [Int] = []
    /// A folder's files, by name, in the order in which they were made.
    var entries: [(name: [UInt8], node: FileNode)] = []
    /// What is bound to the file of a Unix socket.
    weak var socket: OpenFile?
    /// The pipe behind a FIFO.
    var fifo: StreamChannel?
    var modifiedAt: Int64

    init(number: UInt64, kind: Kind, mode: UInt32, time: Int64) {
        self.number = number
        self.kind = kind
        self.mode = mode
        modifiedAt = time
        if kind == .folder { durable = [] }
    }

    var isSynchronized: Bool { durable != nil && dirtyPages.isEmpty }

    // MARK: - A regular file

    func read(at offset: Int64, into room: UnsafeMutableRawBufferPointer, limit: Int) -> Int {
        guard offset < content.count, let target = room.baseAddress else { return 0 }
        let count = min(limit, room.count, content.count - Int(offset))
        content.withUnsafeBytes { target.copyMemory(from: $0.baseAddress! + Int(offset), byteCount: count) }
        return count
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64, time: Int64) {
        let start = Int(offset)
        let end = start + bytes.count
        if content.count < end { content.append(contentsOf: repeatElement(0, count: end - content.count)) }
        content.replaceSubrange(start..<end, with: bytes)
        modifiedAt = time
        for page in start / Self.pageSize...max(end - 1, start) / Self.pageSize { markDirty(page) }
    }

    private func markDirty(_ page: Int) {
        if !dirtyPages.contains(page) { dirtyPages.append(page) }
    }

    func truncate(time: Int64) {
        guard !content.isEmpty else { return }
        for page in 0...(content.count - 1) / Self.pageSize { markDirty(page) }
        content = []
        modifiedAt = time
    }

    func replaceContent(_ bytes: [UInt8], time: Int64) {
        content = bytes
        modifiedAt = time
        synchronize()
    }

    func synchronize() {
        durable = content
        dirtyPages = []
    }

    /// The machine has crashed. Of what was not synchronised, each page may have reached the disk or not. Returns whether the
    /// file is there still.
    func crash(_ choices: Choices) -> Bool {
        guard var kept = durable else {
            // Its name never reached the disk.
            return false
        }
        let size = choices.below(2) == 0 ? kept.count : content.count
        for page in dirtyPages where choices.below(2) == 0 {
            let start = page * Self.pageSize
            let end = min(start + Self.pageSize, content.count)
            guard start < end else { continue }
            if kept.count < end { kept.append(contentsOf: repeatElement(0, count: end - kept.count)) }
            kept.replaceSubrange(start..<end, with: content[start..<end])
        }
        if kept.count > size, !dirtyPages.isEmpty { kept.removeLast(kept.count - size) }
        content = kept
        synchronize()
        return true
    }
}
