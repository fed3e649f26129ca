import Proactor

/// Reads one block after the other, each at a random place, until it is told to end. Any number of tasks of one loop may do so
/// at once.
final class RandomReader {
    private let file: File
    private let blocks: UInt64
    private var state: UInt64
    private(set) var count = 0
    var isOver = false

    init(_ file: File, blocks: UInt64, seed: UInt64) {
        self.file = file
        self.blocks = blocks
        state = seed
    }

    nonisolated(nonsending) func read() async throws {
        var buffer = OwnedBuffer(capacity: 4096, alignment: 4096)
        while !isOver {
            buffer.removeAll()
            guard try await file.read(into: &buffer, at: nextOffset()) == 4096 else {
                throw DemoProblem("a read was short")
            }
            count += 1
        }
    }

    private func nextOffset() -> Int64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int64(state % blocks) * 4096
    }
}
