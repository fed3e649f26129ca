import ArgumentParser
import CFiles
import Foundation
import Proactor
import SystemPackage

/// `loopbench reads`: random reads of a file, against a ring in C and the executor's threads.
struct FileReadsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reads",
        abstract: "Reads 4 KiB at random places of a file, many reads at once, against a ring in C.",
        discussion: """
            On a disk, the disk may be what limits all three. A file in /dev/shm has none behind it, and takes O_DIRECT since \
            Linux 6.6: what is left is what the loops and the kernel cost.
            """
    )

    @Option(help: "How often each reads.")
    var rounds = 5

    @Option(help: "For how long each time, in seconds.")
    var seconds = 2.0

    @Option(help: "Reads in flight.")
    var depth = 32

    @Option(help: "The size of the file, in MiB.")
    var mebibytes: UInt64 = 1024

    @Option(help: "The file, on the disk to be measured; it is made, and removed at the end.")
    var path = "/var/tmp/loopbench-reads"

    @Flag(help: "Read through the page cache, instead of past it by O_DIRECT.")
    var cached = false

    private var size: UInt64 { mebibytes << 20 }

    func run() throws {
        let problem = cfiles_make_file(path, size)
        guard problem == 0 else { throw DemoProblem("\(path): \(String(cString: strerror(problem)))") }
        defer { unlink(path) }
        let kinds = [LoopKind.proactor, .epoll]
        var runs = [[FileRun]](repeating: [], count: 1 + kinds.count)
        for round in 0..<rounds {
            let seed = UInt64(round) &* 0x9e37_79b9_7f4a_7c15 | 1
            runs[0].append(try readInC(seed: seed))
            for (index, kind) in kinds.enumerated() {
                runs[1 + index].append(try read(on: kind, seed: seed))
            }
        }
        let way = cached ? "through the page cache" : "by O_DIRECT"
        print("\(Machine.current.line)")
        print("4 KiB \(way), \(depth) at a time, medians of \(rounds) rounds, ± half the range\n")
        var table = TextTable(columns: [
            "reader", "thousand reads/s", "±", "of C", "of the executor", "loop CPU µs/read",
            "all CPU µs/read",
        ])
        for (name, own) in zip(["C, io_uring", "proactor", "epoll, executor"], runs) {
            let speed = Summary(own.map { Double($0.operations) / $0.seconds / 1e3 })
            table.add([
                name, shown(speed.median, 1), shown(speed.spread * 100, 0) + " %",
                shown(Summary(zip(own, runs[0]).map { $0.rate / $1.rate }).median, 3),
                shown(Summary(zip(own, runs[2]).map { $0.rate / $1.rate }).median, 2),
                shown(Summary(own.map { $0.threadCPUSeconds * 1e6 / Double($0.operations) }).median, 2),
                shown(Summary(own.map { $0.processCPUSeconds * 1e6 / Double($0.operations) }).median, 2),
            ])
        }
        print(table.rendered(), terminator: "")
    }

    private func readInC(seed: UInt64) throws -> FileRun {
        var count: Int64 = 0
        var result = measure {
            count = cfiles_ring_reads(
                path,
                cached ? 0 : 1,
                size,
                UInt32(depth),
                UInt64(seconds * 1e9),
                seed
            )
        }
        guard count > 0 else {
            throw DemoProblem("reading in C: \(String(cString: strerror(Int32(-count))))")
        }
        result.operations = Int(count)
        return result
    }

    private func read(on kind: LoopKind, seed: UInt64) throws -> FileRun {
        try withLoop(kind) { loop in
            let file = try loop.runUntilComplete(
                loop.createTask { try await File.open(FilePath(path), direct: !cached, on: loop) }
            )
            let reader = RandomReader(file, blocks: size / 4096, seed: seed)
            var result = try measure {
                let tasks = (0..<depth).map { _ in loop.createTask { try await reader.read() } }
                try loop.callLater(.seconds(seconds)) { reader.isOver = true }
                for task in tasks { try loop.runUntilComplete(task) }
            }
            result.operations = reader.count
            try loop.runUntilComplete(loop.createTask { try await file.close() })
            return result
        }
    }

    private func measure(_ body: () throws -> Void) rethrows -> FileRun {
        let (thread, process) = (cfiles_thread_cpu_ns(), cfiles_process_cpu_ns())
        let seconds = try secondsTaken(body)
        return FileRun(
            seconds: seconds,
            threadCPUSeconds: Double(cfiles_thread_cpu_ns() - thread) / 1e9,
            processCPUSeconds: Double(cfiles_process_cpu_ns() - process) / 1e9
        )
    }
}

extension FileRun {
    fileprivate var rate: Double { Double(operations) / seconds }
}
