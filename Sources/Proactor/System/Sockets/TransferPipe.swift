import Glibc
import SystemPackage

/// A pipe through which the kernel moves a file's pages to a socket without copying them.
package struct TransferPipe: BitwiseCopyable {
    /// Where it is filled.
    package let input: FileDescriptor
    /// Where it is drained.
    package let output: FileDescriptor
    /// In bytes: whole pages, of which each takes as much as a page even when it holds less.
    package let capacity: Int

    package init(input: FileDescriptor, output: FileDescriptor, capacity: Int) {
        self.input = input
        self.output = output
        self.capacity = capacity
    }

    static let pageSize = Int(getpagesize())
    /// What is asked for: as much as an unprivileged process gets. Small pipes make sending by them slower than `sendfile(2)`.
    static let wantedCapacity = 1 << 20
}
