import Glibc

/// A socket address in the kernel's own layout.
struct KernelAddress: BitwiseCopyable {
    var storage: sockaddr_storage
    var length: socklen_t
}
