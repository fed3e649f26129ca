import Proactor
import ProactorTesting
import SystemPackage

extension Scenario {
    /// A journal on a disk: what was synchronised survives every crash.
    static let files = Scenario("files") { simulation, book in
        let host = try simulation.host("store")
        let journal = Journal(book)
        let size = 1 + simulation.choice(below: 9_000)
        host.start { try await journal.run(recordSize: size) }
        for _ in 0..<3 {
            try simulation.run(for: .milliseconds(1 + simulation.choice(below: 60)))
            host.crash()
            try simulation.run(for: .milliseconds(1))
            try host.restart()
        }
        try simulation.run(for: .milliseconds(50))
        try simulation.finish()
    }
}

/// Appends records to a file, each of one number, and remembers how many were promised to last.
private final class Journal {
    private let book: Book
    private var synchronized = 0

    init(_ book: Book) {
        self.book = book
    }

    nonisolated(nonsending) func run(recordSize: Int) async throws {
        let file = try await File.open("/var/journal", .readWrite, options: .create, on: getRunningLoop())
        var next = try await check(file, recordSize)
        while next < 200 {
            let record = Array(repeating: UInt8(next % 251), count: recordSize)
            try await file.write(record, at: Int64(next * recordSize))
            next += 1
            if next % 3 == 0 {
                try await file.synchronize()
                synchronized = max(synchronized, next)
            }
        }
        try await file.close()
    }

    /// Returns how many records are whole.
    nonisolated(nonsending) private func check(_ file: File, _ recordSize: Int) async throws -> Int {
        let size = Int(try await file.status().size)
        book.expect(size >= synchronized * recordSize, "\(size) bytes are left of \(synchronized) records")
        for number in 0..<synchronized {
            let record = try await file.read(count: recordSize, at: Int64(number * recordSize))
            let isWhole = record == Array(repeating: UInt8(number % 251), count: recordSize)
            book.expect(isWhole, "record \(number) of \(synchronized) was lost")
        }
        return synchronized
    }
}
