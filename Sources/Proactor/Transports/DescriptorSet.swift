import SystemPackage

/// Descriptors, one bit each.
struct DescriptorSet {
    private var words: [UInt64] = []

    func contains(_ descriptor: FileDescriptor) -> Bool {
        let number = Int(descriptor.rawValue)
        guard number >= 0, number >> 6 < words.count else { return false }
        return words[number >> 6] >> UInt64(number & 63) & 1 == 1
    }

    mutating func insert(_ descriptor: FileDescriptor) {
        let number = Int(descriptor.rawValue)
        while words.count <= number >> 6 { words.append(0) }
        words[number >> 6] |= 1 << UInt64(number & 63)
    }

    /// One that must have been in the set at some time.
    mutating func remove(_ descriptor: FileDescriptor) {
        let number = Int(descriptor.rawValue)
        words[number >> 6] &= ~(1 << UInt64(number & 63))
    }
}
