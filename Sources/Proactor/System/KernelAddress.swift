import Glibc

/// A socket address in the kernel's own layout.
struct KernelAddress: BitwiseCopyable {
    var storage: sockaddr_storage
    var length: socklen_t

    /// Room for an address of any family.
    static var blank: KernelAddress {
        KernelAddress(
            storage: sockaddr_storage(),
            length: socklen_t(MemoryLayout<sockaddr_storage>.size)
        )
    }
}

extension UnsafeMutablePointer<KernelAddress> {
    /// Where the length is.
    var length: UnsafeMutablePointer<socklen_t> {
        // A stored property of the same memory.
        (UnsafeMutableRawPointer(self) + MemoryLayout<KernelAddress>.offset(of: \.length)!)
            .assumingMemoryBound(to: socklen_t.self)
    }
}
