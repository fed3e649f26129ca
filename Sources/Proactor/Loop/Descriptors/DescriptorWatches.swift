import SystemPackage

/// The readers and writers of a loop.
struct DescriptorWatches {
    private var readers: [FileDescriptor: DescriptorWatch] = [:]
    private var writers: [FileDescriptor: DescriptorWatch] = [:]

    mutating func insert(_ watch: DescriptorWatch) {
        if watch.side == .read {
            readers[watch.descriptor] = watch
        } else {
            writers[watch.descriptor] = watch
        }
    }

    mutating func remove(_ descriptor: FileDescriptor, _ side: Readiness) -> DescriptorWatch? {
        side == .read
            ? readers.removeValue(forKey: descriptor) : writers.removeValue(forKey: descriptor)
    }

    /// For a loop that closes. Nothing is in flight any more.
    mutating func abandonAll() {
        let (readers, writers) = (readers, writers)
        self = DescriptorWatches()
        for watch in readers.values { watch.abandon() }
        for watch in writers.values { watch.abandon() }
    }
}
