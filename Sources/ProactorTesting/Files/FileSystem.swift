import Glibc
import Proactor
import SystemPackage

/// The disk of a simulated host: a tree of files in memory. What was not synchronised may be lost when the host crashes.
final class FileSystem {
    let root: FileNode
    private var nextNumber: UInt64 = 2

    init() {
        root = FileNode(number: 1, kind: .folder, mode: 0o755, time: 0)
        for name in ["tmp", "run", "var", "home", "etc", "dev", "bin"] {
            _ = try? makeFolder(at: Array("/\(name)".utf8), time: 0)
        }
    }

    // MARK: - Paths

    private static func parts(of path: [UInt8]) -> [[UInt8]] {
        var parts: [[UInt8]] = []
        for part in path.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual("..".utf8) {
                _ = parts.popLast()
            } else if !part.elementsEqual(".".utf8) {
                parts.append(Array(part))
            }
        }
        return parts
    }

    /// What stands at a path; `nil` when nothing does.
    func node(at path: [UInt8]) -> FileNode? {
        var node = root
        for part in Self.parts(of: path) {
            guard let next = node.entries.first(where: { $0.name == part })?.node else { return nil }
            node = next
        }
        return node
    }

    /// The folder that a path's last part is in, and that part.
    private func place(of path: [UInt8]) throws(Errno) -> (folder: FileNode, name: [UInt8]) {
        var parts = Self.parts(of: path)
        guard let name = parts.popLast() else { throw .fileExists }
        var folder = root
        for part in parts {
            guard let next = folder.entries.first(where: { $0.name == part })?.node else {
                throw .noSuchFileOrDirectory
            }
            folder = next
        }
        guard folder.kind == .folder else { throw .notDirectory }
        guard name.count <= 255 else { throw .fileNameTooLong }
        return (folder, name)
    }

    // MARK: - Making and removing

    @discardableResult
    func make(_ kind: FileNode.Kind, at path: [UInt8], mode: UInt32, time: Int64) throws(Errno) -> FileNode {
        guard !path.isEmpty else { throw .noSuchFileOrDirectory }
        let (folder, name) = try place(of: path)
        guard !folder.entries.contains(where: { $0.name == name }) else { throw .fileExists }
        let node = FileNode(number: nextNumber, kind: kind, mode: mode, time: time)
        nextNumber += 1
        folder.entries.append((name, node))
        return node
    }

    func makeFolder(at path: [UInt8], time: Int64) throws(Errno) {
        _ = try make(.folder, at: path, mode: 0o755, time: time)
    }

    func makeSocket(at path: [UInt8], for socket: OpenFile) throws(Errno) {
        do throws(Errno) {
            let node = try make(.socket, at: path, mode: 0o755, time: 0)
            node.socket = socket
        } catch .fileExists {
            throw .addressInUse
        }
    }

    /// The socket is closed; its file stays.
    func forgetSocket(at path: [UInt8], _ socket: OpenFile) {
        guard let node = node(at: path), node.socket === socket else { return }
        node.socket = nil
    }

    func remove(_ name: [UInt8], in folder: FileNode) {
        folder.entries.removeAll { $0.name == name }
    }

    func removeFile(at path: [UInt8]) throws(Errno) {
        let (folder, name) = try place(of: path)
        guard let node = folder.entries.first(where: { $0.name == name })?.node else {
            throw .noSuchFileOrDirectory
        }
        guard node.kind != .folder || node.entries.isEmpty else { throw Errno(rawValue: ENOTEMPTY) }
        remove(name, in: folder)
    }

    // MARK: - A crash

    /// Loses what was not synchronised.
    func crash(_ choices: Choices) {
        Self.crash(root, choices)
    }

    private static func crash(_ folder: FileNode, _ choices: Choices) {
        folder.entries = folder.entries.filter { _, node in
            switch node.kind {
            case .folder:
                crash(node, choices)
                return true
            case .regular:
                return node.crash(choices)
            case .socket, .fifo:
                node.socket = nil
                node.fifo = nil
                return true
            }
        }
    }
}
