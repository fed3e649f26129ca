/// A socket's address at a fixed place, for the kernel to read or write while an operation is in flight.
final class AddressMemory {
    let pointer: UnsafeMutablePointer<KernelAddress>

    init(_ address: KernelAddress) {
        pointer = .allocate(capacity: 1)
        pointer.initialize(to: address)
    }

    /// What the kernel wrote; `nil` for a family that this library does not know.
    var address: SocketAddress? { SocketAddress(pointer.pointee.storage, length: pointer.pointee.length) }

    deinit {
        // The operation keeps this object until its final completion, so the kernel is done with the memory.
        pointer.deallocate()
    }
}
