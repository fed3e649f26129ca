/// Reading all of a stream into an array, without a copy between.
///
/// What has come is moved behind what was collected before. Only when all of the caller's streams have ended it takes that: until
/// then it can be put back, so that nothing is lost.
extension StreamReader {
    /// From this capacity on an array is given room for all that may come, in bytes: what is not used of so much costs nothing, and
    /// to move to a larger place costs more than all else.
    private static let smallCapacity = 1 << 20
    private static let largeCapacity = 64 << 20

    /// Waits for the end of the stream, or until more than `max` bytes are held. Returns whether it was the end. They are held for
    /// ``takeCollected()``, or ``putBackCollected()``.
    // Not inlined: see `CancellationHandler`.
    @inline(never)
    nonisolated(nonsending) func collectToEnd(holding max: Int) async throws -> Bool {
        try begin("StreamReader.readToEnd")
        if !collect(max: max) { try await wait(for: .collection(max: max)) }
        return collected.count <= max
    }

    /// Moves what has come. Returns whether it is more than `max` bytes.
    @inline(never)
    func collect(max: Int) -> Bool {
        let count = buffer.count
        guard count > 0 else { return collected.count > max }
        makeRoom(for: collected.count + count, max)
        collected.append(contentsOf: buffer.first(count))
        buffer.drop(count, pool: pool)
        return collected.count > max
    }

    private func makeRoom(for needed: Int, _ max: Int) {
        guard needed > collected.capacity else { return }
        var wanted = Swift.max(needed, 2 * collected.capacity)
        if needed > Self.smallCapacity { wanted = Swift.max(wanted, Swift.min(max, Self.largeCapacity)) }
        collected.reserveCapacity(wanted)
    }

    /// Reads what was collected.
    func takeCollected() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &collected)
        return taken
    }

    /// Leaves what was collected to the next read.
    func putBackCollected() {
        guard !collected.isEmpty else { return }
        // What has come since stands behind it.
        _ = collect(max: .max)
        let taken = takeCollected()
        buffer.append(taken.span.bytes, pool: pool)
        pauseIfFull()
    }
}
