/// What a descriptor is watched for, or what it is ready for.
package struct Readiness: OptionSet, BitwiseCopyable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Reading or accepting would not block.
    package static let read = Readiness(rawValue: 1)
    /// Writing would not block, or connecting has ended.
    package static let write = Readiness(rawValue: 2)
    /// The other end is gone, or the descriptor has failed.
    package static let hangUp = Readiness(rawValue: 4)
}
