/// What a descriptor is watched for, or what it is ready for.
struct Readiness: OptionSet, BitwiseCopyable, Sendable {
    let rawValue: UInt8

    /// Reading or accepting would not block.
    static let read = Readiness(rawValue: 1)
    /// Writing would not block, or connecting has ended.
    static let write = Readiness(rawValue: 2)
    /// The other end is gone, or the descriptor has failed.
    static let hangUp = Readiness(rawValue: 4)
}
