/// What a descriptor stands for, and which way it is open.
struct DescriptorDescription: Hashable, Sendable {
    var kind: DescriptorKind
    var isReadable: Bool
    var isWritable: Bool
}
