import CUring

@testable import Proactor

extension KernelRing {
    /// Whether the kernel knows waits that do not count as waiting for a disk.
    var kernelHasNoIOWait: Bool { curing_has_no_iowait(ring) }

    /// How many threads the kernel may start for this ring's work, of each of its two kinds.
    var workerLimits: [UInt32] {
        // Zeros ask, and change nothing.
        var limits: [UInt32] = [0, 0]
        _ = curing_cap_workers(ring, &limits)
        return limits
    }
}
