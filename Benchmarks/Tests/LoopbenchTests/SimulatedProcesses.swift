import CLoad
import Foundation

/// A folder that looks like /proc, and processes that only it knows of.
final class SimulatedProcesses {
    let folder = FileManager.default.temporaryDirectory.appending(path: "loopbench-test-\(UUID().uuidString)")
    /// The CPU time of each, in milliseconds. Who is not here is gone.
    var usedMilliseconds: [Int32: UInt64] = [:]
    /// What happens just before somebody asks for a process's CPU time.
    var beforeLook: (SimulatedProcesses, Int32) -> Void = { _, _ in }
    private let ticksPerSecond = sysconf(Int32(_SC_CLK_TCK))

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// - Parameters:
    ///   - reapedMilliseconds: the CPU time of its children whose end it has seen.
    ///   - children: those of each of its threads; nil where the kernel does not list them.
    func set(
        _ process: Int32,
        parent: Int32,
        reapedMilliseconds: Int = 0,
        children: [[Int32]]? = [[]]
    ) throws {
        let own = folder.appending(path: "\(process)")
        let ticks = reapedMilliseconds * ticksPerSecond / 1_000
        let counts = "\(ticks / 2) \(ticks - ticks / 2)"
        let stat =
            "\(process) (a) R 7 (b) S \(parent) 1 1 0 -1 4194560 9 9 9 9 77 77 \(counts) 20 0 1 0 100\n"
        for (index, list) in (children ?? [[]]).enumerated() {
            let task = own.appending(path: "task/\(Int(process) + 1_000 * index)")
            try FileManager.default.createDirectory(at: task, withIntermediateDirectories: true)
            try Data(stat.utf8).write(to: task.appending(path: "stat"))
            guard children != nil else { continue }
            let text = list.map { "\($0) " }.joined()
            try Data(text.utf8).write(to: task.appending(path: "children"))
        }
        try Data(stat.utf8).write(to: own.appending(path: "stat"))
    }

    func end(_ process: Int32) throws {
        usedMilliseconds[process] = nil
        try FileManager.default.removeItem(at: folder.appending(path: "\(process)"))
    }

    /// What the children of a process have used, and theirs, in milliseconds.
    func descendantsMilliseconds(of process: Int32) -> UInt64 {
        var view = cload_processes()
        view.process_ns = { context, process in
            guard let context else { return .max }
            let processes = Unmanaged<SimulatedProcesses>.fromOpaque(context).takeUnretainedValue()
            processes.beforeLook(processes, process)
            return processes.usedMilliseconds[process].map { $0 * 1_000_000 } ?? .max
        }
        view.context = Unmanaged.passUnretained(self).toOpaque()
        return withExtendedLifetime(self) {
            folder.path.withCString {
                view.proc = $0
                return cload_descendants_cpu_ns(&view, process) / 1_000_000
            }
        }
    }
}
