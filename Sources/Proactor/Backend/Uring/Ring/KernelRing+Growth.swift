import CUring
import Glibc

extension KernelRing {
    /// Gives the ring larger queues if they were too small again and again. Only between the moment when completions were taken
    /// out of the ring and the next enter: nobody walks the queues then.
    func growIfStrained() {
        guard growth.isPossible else { return }
        if curing_has_overflown(ring) { growth.noteOverflow() }
        if let sizes = growth.next { grow(to: sizes) }
    }

    @inline(never)
    private func grow(to sizes: QueueGrowth.Sizes) {
        guard KernelFacts.growthIsSafe else { return growth.stop() }
        var parameters = curing_parameters(
            submission_entries: UInt32(sizes.submissions),
            completion_entries: UInt32(sizes.completions)
        )
        switch -curing_grow(ring, &parameters) {
        case 0:
            growth.hasGrown(to: queueSizes)
        case EAGAIN:
            // In one of the next turns.
            return
        case ENODEV:
            // Not a precondition: those lose their message in a release build.
            fatalError("the process has no room for the queues that the kernel has given its ring")
        default:
            // The limit on locked memory, a filter: the ring does its work all the same.
            growth.stop()
        }
    }

    /// Entries of the queues as they are now.
    var queueSizes: QueueGrowth.Sizes {
        QueueGrowth.Sizes(
            submissions: Int(curing_submission_entries(ring)),
            completions: Int(curing_completion_entries(ring))
        )
    }
}
