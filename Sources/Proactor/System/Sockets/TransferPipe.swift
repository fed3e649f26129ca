import Glibc
import SystemPackage

/// A pipe through which the kernel moves a file's pages to a socket without copying them.
struct TransferPipe: BitwiseCopyable {
    /// Where it is filled.
    let input: FileDescriptor
    /// Where it is drained.
    let output: FileDescriptor
    /// In bytes: whole pages, of which each takes as much as a page even when it holds less.
    let capacity: Int

    static let pageSize = Int(getpagesize())
    /// What is asked for: as much as an unprivileged process gets. Small pipes make sending by them slower than `sendfile(2)`.
    static let wantedCapacity = 1 << 20
}
