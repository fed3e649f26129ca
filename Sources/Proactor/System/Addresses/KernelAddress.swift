import Glibc

/// A socket address in the kernel's own layout.
package struct KernelAddress: BitwiseCopyable {
    package var storage: sockaddr_storage
    package var length: socklen_t

    /// Room for an address of any family.
    package static var blank: KernelAddress {
        KernelAddress(
            storage: sockaddr_storage(),
            length: socklen_t(MemoryLayout<sockaddr_storage>.size)
        )
    }
}

extension UnsafeMutablePointer<KernelAddress> {
    /// The address's bytes in use, from the start on. The kernel says how long the address is, also where it had less room.
    package var addressCount: Int { Swift.min(Int(pointee.length), MemoryLayout<sockaddr_storage>.size) }

    /// Where the length is.
    package var length: UnsafeMutablePointer<socklen_t> {
        // A stored property of the same memory.
        (UnsafeMutableRawPointer(self) + MemoryLayout<KernelAddress>.offset(of: \.length)!)
            .assumingMemoryBound(to: socklen_t.self)
    }
}
