import ArgumentParser
import CFiles
import Foundation
import Proactor
import SystemPackage

/// `loopbench sendfile`: a file out of the page cache over loopback, against `sendfile(2)` in C.
struct SendFileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sendfile",
        abstract: "Sends a file out of the page cache over a TCP connection, against sendfile(2) in C.",
        discussion: """
            A thread on CPU 1 receives, one on CPU 0 sends, and the kernel's own threads run where they like. All CPU is \
            the process's, the receiver included.
            """
    )

    @Option(help: "How often each sends.")
    var rounds = 5

    @Option(help: "How much is sent each time, in MiB.")
    var mebibytes: UInt64 = 1024

    @Option(help: "The file; it is made, and removed at the end.")
    var path = "/var/tmp/loopbench-sendfile"

    @Option(help: "The CPU that sends; -1 is any.")
    var sendCPU: Int32 = 0

    private var size: UInt64 { mebibytes << 20 }
    private var gigabytes: Double { Double(size) / 1e9 }

    func run() throws {
        let problem = cfiles_make_file(path, size)
        guard problem == 0 else { throw DemoProblem("\(path): \(String(cString: strerror(problem)))") }
        defer { unlink(path) }
        let kinds = [LoopKind.proactor, .epoll]
        let names = ["C, sendfile(2)"] + kinds.map(\.rawValue) + kinds.map { "\($0.rawValue), socket" }
        var runs = names.map { _ in [FileRun]() }
        // The first of all brings the file into the page cache, and does not count.
        _ = try sendInC()
        for _ in 0..<rounds {
            runs[0].append(try sendInC())
            for (index, kind) in kinds.enumerated() {
                runs[1 + index].append(try send(on: kind, bySocket: false))
                runs[1 + kinds.count + index].append(try send(on: kind, bySocket: true))
            }
        }
        print("\(Machine.current.line)\n\(mebibytes) MiB, medians of \(rounds) rounds, ± half the range\n")
        print(table(names, runs).rendered(), terminator: "")
    }

    private func table(_ names: [String], _ runs: [[FileRun]]) -> TextTable {
        var table = TextTable(columns: [
            "sender", "GB/s", "±", "of C", "sending thread CPU s/GB", "all CPU s/GB",
        ])
        for (name, own) in zip(names, runs) {
            let speed = Summary(own.map { gigabytes / $0.seconds })
            let ratio = Summary(zip(own, runs[0]).map { $1.seconds / $0.seconds })
            table.add([
                name, shown(speed.median, 2), shown(speed.spread * 100, 0) + " %", shown(ratio.median, 2),
                shown(Summary(own.map { $0.threadCPUSeconds / gigabytes }).median, 4),
                shown(Summary(own.map { $0.processCPUSeconds / gigabytes }).median, 3),
            ])
        }
        return table
    }

    // MARK: - Contenders

    private func sendInC() throws -> FileRun {
        let file = open(path, O_RDONLY)
        defer { close(file) }
        return try measure { socket in
            let problem = cfiles_sendfile(socket, file, size)
            guard problem == 0 else { throw DemoProblem(String(cString: strerror(problem))) }
        }
    }

    private func send(on kind: LoopKind, bySocket: Bool) throws -> FileRun {
        try withLoop(kind) { loop in
            let file = try loop.runUntilComplete(
                loop.createTask { try await File.open(FilePath(path), on: loop) }
            )
            // A loop that has run once has its thread, its ring and its buffers.
            let result = try measure { socket in
                let socket = FileDescriptor(rawValue: socket)
                let sent = try loop.runUntilComplete(
                    loop.createTask { () -> Int64 in
                        if bySocket { return try await loop.sockSendFile(socket, file) }
                        // The transport closes its socket, which is the measurement's.
                        let own = try socket.duplicate()
                        let (transport, _) = try await loop.connectAcceptedSocket(own) { SilentProtocol() }
                        defer { transport.close() }
                        return try await loop.sendFile(transport, file)
                    }
                )
                guard sent == Int64(size) else { throw DemoProblem("\(sent) bytes were sent") }
            }
            try loop.runUntilComplete(loop.createTask { try await file.close() })
            return result
        }
    }

    /// Times `body` until the other end has everything.
    private func measure(_ body: (Int32) throws -> Void) throws -> FileRun {
        var sockets: [Int32] = [-1, -1]
        let problem = cfiles_connect(&sockets)
        guard problem == 0, let receiver = cfiles_receive(sockets[1], 1) else {
            throw DemoProblem("no connection: \(String(cString: strerror(problem)))")
        }
        cfiles_pin(sendCPU)
        defer { cfiles_pin(-1) }
        let (thread, process) = (cfiles_thread_cpu_ns(), cfiles_process_cpu_ns())
        var received: UInt64 = 0
        var threadEnd: UInt64 = 0
        let seconds = try secondsTaken {
            try body(sockets[0])
            threadEnd = cfiles_thread_cpu_ns()
            shutdown(sockets[0], Int32(SHUT_WR))
            received = cfiles_received(receiver)
        }
        let processEnd = cfiles_process_cpu_ns()
        close(sockets[0])
        close(sockets[1])
        guard received == size else { throw DemoProblem("\(received) bytes of \(size) came") }
        return FileRun(
            seconds: seconds,
            threadCPUSeconds: Double(threadEnd - thread) / 1e9,
            processCPUSeconds: Double(processEnd - process) / 1e9
        )
    }
}

/// A protocol that does nothing.
private final class SilentProtocol: StreamProtocol {
    func dataReceived(_ data: RawSpan) {}
}
