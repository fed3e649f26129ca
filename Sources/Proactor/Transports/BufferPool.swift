/// Memory for outgoing data, in a few sizes, kept for the next write instead of given back.
///
/// Idle connections hold none of it, and what it keeps is bounded.
final class BufferPool {
    /// The sizes that are kept, in bytes, and how many buffers of each: at most some 3 MiB together.
    static let sizes = [512, 4096, 16_384, 65_536]
    private static let keptCounts = [256, 64, 32, 32]
    static let largest = 65_536

    /// The first bytes of a kept buffer are the link to the next.
    private var free: [UnsafeMutableRawPointer?] = [nil, nil, nil, nil]
    private var freeCounts = [0, 0, 0, 0]

    deinit {
        for index in free.indices {
            while let buffer = free[index] {
                free[index] = buffer.load(as: UnsafeMutableRawPointer?.self)
                buffer.deallocate()
            }
        }
    }

    /// The index of the smallest size that holds `count` bytes; the largest when none does.
    static func sizeIndex(for count: Int) -> Int {
        count <= 512 ? 0 : count <= 4096 ? 1 : count <= 16_384 ? 2 : 3
    }

    func take(_ sizeIndex: Int) -> UnsafeMutableRawPointer {
        guard let buffer = free[sizeIndex] else {
            return .allocate(byteCount: Self.sizes[sizeIndex], alignment: 16)
        }
        free[sizeIndex] = buffer.load(as: UnsafeMutableRawPointer?.self)
        freeCounts[sizeIndex] -= 1
        return buffer
    }

    func giveBack(_ buffer: UnsafeMutableRawPointer, _ sizeIndex: Int) {
        guard freeCounts[sizeIndex] < Self.keptCounts[sizeIndex] else {
            buffer.deallocate()
            return
        }
        buffer.storeBytes(of: free[sizeIndex], as: UnsafeMutableRawPointer?.self)
        free[sizeIndex] = buffer
        freeCounts[sizeIndex] += 1
    }
}
