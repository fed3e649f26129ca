import Proactor
import ProactorTesting
import SystemPackage

/// A small store of keys and values on two hosts: what is put at the primary is promised once the backup has it on its disk.
///
/// It is the example of ProactorTesting's guide, and knows nothing of simulations.
public struct ReplicatedStore: Sendable {
    /// Whether the backup promises a line only once it is on its disk. Otherwise it promises first: the planted bug.
    public var synchronizesFirst: Bool

    /// A store, sound or not.
    public init(synchronizesFirst: Bool) {
        self.synchronizesFirst = synchronizesFirst
    }

    /// The backup: appends each line to its file, and says so.
    public nonisolated(nonsending) func runBackup() async throws {
        let loop = try getRunningLoop()
        let file = try await File.open("/var/store", .readWrite, options: .create, on: loop)
        var end = try await file.status().size
        let server = try await loop.startServer(host: "0.0.0.0", port: 9000) { reader, writer in
            while let line = try? await reader.readLine(), !line.isEmpty {
                try await file.write(line, at: end)
                end += Int64(line.count)
                if synchronizesFirst { try await file.synchronize() }
                writer.write("ok\n")
                if !synchronizesFirst { try await file.synchronize() }
            }
            writer.close()
        }
        try await server.serveForever()
    }

    /// The primary: hands each line on to the backup, and promises it when the backup has.
    public nonisolated(nonsending) func runPrimary() async throws {
        let loop = try getRunningLoop()
        let (answers, backup) = try await retrying {
            try await loop.openConnection(host: "backup", port: 9000, family: .ipv4)
        }
        let server = try await loop.startServer(host: "0.0.0.0", port: 8000) { reader, writer in
            while let line = try? await reader.readLine(), !line.isEmpty {
                backup.write(line)
                writer.write(try await answers.readLine())
            }
            writer.close()
        }
        try await server.serveForever()
    }

    /// A client: puts keys, one after the other, and tells of each that was promised.
    public nonisolated(nonsending) func put(_ keys: Int, promised: (Int) -> Void) async throws {
        let loop = try getRunningLoop()
        let (answers, store) = try await retrying {
            try await loop.openConnection(host: "primary", port: 8000, family: .ipv4)
        }
        for key in 0..<keys {
            store.write("key\(key)=value\(key)\n")
            guard try await answers.readLine() == Array("ok\n".utf8) else { return }
            promised(key)
        }
    }

    /// The scenario: at some moment the primary is gone for good and the backup crashes. What was promised must be on its disk.
    public func scenario(_ simulation: Simulation) throws {
        let backup = try simulation.host("backup")
        backup.start { try await runBackup() }
        let primary = try simulation.host("primary")
        primary.start { try await runPrimary() }
        var promised: [Int] = []
        try simulation.host("client").start { try await put(50) { promised.append($0) } }

        try simulation.run(for: .microseconds(3_000 + simulation.choice(below: 40_000)))
        primary.crash()
        backup.crash()

        let text = String(decoding: backup.contents(ofFile: "/var/store") ?? [], as: UTF8.self)
        for key in promised where !text.contains("key\(key)=value\(key)\n") { throw LostKey(key: key) }
    }

    /// A key that was promised and is not there.
    public struct LostKey: Error, CustomStringConvertible {
        let key: Int

        public var description: String { "key\(key) was promised, and is on no disk" }
    }
}
