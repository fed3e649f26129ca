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

    /// Returns what there is, in the descriptors' order and not in a hash's, and has nothing from here on.
    mutating func takeAll() -> [DescriptorWatch] {
        defer { self = DescriptorWatches() }
        return [readers, writers].flatMap { watches in
            watches.values.sorted { $0.descriptor.rawValue < $1.descriptor.rawValue }
        }
    }
}
