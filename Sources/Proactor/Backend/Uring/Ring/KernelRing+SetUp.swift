import CPosix
import CUring
import Glibc
import SystemPackage

/// How a ring, its buffers and its waker are made, and why they could not be.
extension KernelRing {
    /// A ring, and the receive buffers of streams.
    struct Parts {
        let ring: OpaquePointer
        let pool: Pool
        let canGrow: Bool
    }

    static func makeParts(_ configuration: RingConfiguration) throws(RingUnavailable) -> Parts {
        let sizes = firstSizes(configuration)
        // Another ring's memory comes back only some time after it was closed.
        for delayMilliseconds: UInt32 in [0, 2, 10, 40, 100] {
            if delayMilliseconds > 0 { usleep(delayMilliseconds * 1000) }
            do throws(RingUnavailable) {
                return try makeParts(configuration, sizes)
            } catch {
                guard case .lockedMemoryExhausted(let limit) = error else { throw error }
                // Waiting would not help.
                if limit < smallestBytes { throw error }
            }
        }
        let smallest = QueueGrowth.Sizes(
            submissions: min(sizes.submissions, smallestSizes.submissions),
            completions: min(sizes.completions, smallestSizes.completions)
        )
        return try makeParts(configuration, smallest)
    }

    /// The largest queues that take a page each.
    private static let smallestSizes = QueueGrowth.Sizes(submissions: 64, completions: 128)
    /// What the kernel counts of the smallest ring: two queues, and a list of buffers.
    private static let smallestBytes = 3 * UInt64(getpagesize())

    /// What the queues are made with. Where they cannot grow and cost nothing, they are as large as they might become.
    private static func firstSizes(_ configuration: RingConfiguration) -> QueueGrowth.Sizes {
        let sizes = QueueGrowth.Sizes(
            submissions: configuration.submissionQueueSize,
            completions: configuration.completionQueueSize
        )
        guard configuration.growingQueues, KernelFacts.queuesAreFree else { return sizes }
        return QueueGrowth.Sizes(
            submissions: max(sizes.submissions, configuration.submissionQueueLimit),
            completions: max(sizes.completions, configuration.completionQueueLimit)
        )
    }

    private static func makeParts(
        _ configuration: RingConfiguration,
        _ sizes: QueueGrowth.Sizes
    ) throws(RingUnavailable) -> Parts {
        let ring = try makeRing(sizes)
        do throws(RingUnavailable) {
            return Parts(
                ring: ring,
                pool: try makeBuffers(ring, configuration),
                canGrow: configuration.growingQueues && curing_can_grow(ring)
            )
        } catch {
            // Never enabled, so nothing is in flight in it.
            curing_destroy(ring, false)
            throw error
        }
    }

    private static func makeRing(_ sizes: QueueGrowth.Sizes) throws(RingUnavailable) -> OpaquePointer {
        var parameters = curing_parameters(
            submission_entries: UInt32(sizes.submissions),
            completion_entries: UInt32(sizes.completions)
        )
        var ring: OpaquePointer?
        var wasMade = false
        let result = curing_create(&parameters, &ring, &wasMade)
        guard result >= 0, let ring else {
            // The limit on locked memory is the kernel's matter, and not that of a mapping.
            if wasMade, result == -ENOMEM { throw .memoryExhausted(call: "mmap of the queues") }
            throw refusal(Errno(rawValue: -result), call: "io_uring_setup")
        }
        // A filter may let set-up pass and forbid the rest: better to know now than in the first turn. A ring that is not
        // enabled yet says so, and does nothing.
        let answer = Errno(rawValue: -curing_submit_and_wait(ring, 0, false))
        guard ![.notPermitted, .permissionDenied, .noFunction].contains(answer) else {
            curing_destroy(ring, false)
            throw refusal(answer, call: "io_uring_enter")
        }
        return ring
    }

    struct Pool {
        let buffers: OpaquePointer
        let area: BufferArea
    }

    private static func makeBuffers(
        _ ring: OpaquePointer,
        _ configuration: RingConfiguration
    ) throws(RingUnavailable) -> Pool {
        if configuration.incrementalBuffers,
            let pool = try makePool(
                ring,
                .streams,
                count: configuration.incrementalBufferCount,
                size: configuration.incrementalBufferSize,
                isIncremental: true
            )
        {
            return pool
        }
        let pool = try makePool(
            ring,
            .streams,
            count: configuration.bufferCount,
            size: configuration.bufferSize,
            isIncremental: false
        )
        guard let pool else { throw refusal(.invalidArgument, call: registeringBuffers) }
        return pool
    }

    /// `nil` when the kernel does not know buffers of this kind: incremental ones came with 6.12.
    static func makePool(
        _ ring: OpaquePointer,
        _ group: BufferGroup,
        count: Int,
        size: Int,
        isIncremental: Bool
    ) throws(RingUnavailable) -> Pool? {
        guard let buffers = curing_buffers_create(UInt32(count), UInt32(size)) else {
            throw .memoryExhausted(call: "mmap of \(count) receive buffers of \(size) bytes")
        }
        let givenCount = BufferArea.firstCount(of: count)
        let result = curing_buffers_register(buffers, ring, group.rawValue, UInt32(givenCount), isIncremental)
        guard result < 0 else {
            let area = BufferArea(
                group: group,
                memory: curing_buffers_base(buffers),
                count: count,
                givenCount: givenCount,
                size: size,
                isIncremental: isIncremental
            )
            return Pool(buffers: buffers, area: area)
        }
        curing_buffers_destroy(buffers)
        if result == -EINVAL { return nil }
        throw refusal(Errno(rawValue: -result), call: registeringBuffers)
    }

    private static let registeringBuffers = "IORING_REGISTER_PBUF_RING"

    static func refusal(_ errno: Errno, call: String) -> RingUnavailable {
        RingEnvironment.current().classify(errno, call: call)
    }

    static func makeWaker(
        _ ring: OpaquePointer,
        _ configuration: RingConfiguration
    ) throws(RingUnavailable) -> any LoopWaker {
        let descriptor = curing_descriptor(ring)
        // A kernel that knows such messages says that this ring is not enabled yet; an older one knows no such call.
        if configuration.messageWakeUp,
            curing_wake_ring(descriptor, UringBackend.messageToken.rawValue) == -EBADFD
        {
            return MessageWaker(ringDescriptor: descriptor, token: UringBackend.messageToken)
        }
        do {
            let waker = try EventWaker()
            waker.waitInReads()
            return waker
        } catch {
            throw refusal(error, call: "eventfd")
        }
    }

    static func features(
        of parts: Parts,
        _ waker: any LoopWaker,
        _ configuration: RingConfiguration
    ) -> RingFeatures {
        let ring = parts.ring
        return RingFeatures(
            submissionQueueSize: Int(curing_submission_entries(ring)),
            completionQueueSize: Int(curing_completion_entries(ring)),
            growingQueues: parts.canGrow,
            bufferCount: parts.pool.area.count,
            bufferSize: parts.pool.area.size,
            multishotAccept: configuration.multishotAccept,
            waitFreeAccept: configuration.waitFreeAccept && curing_has_wait_free_accept(parts.ring),
            multishotReceive: configuration.multishotReceive,
            multishotUnixReceive: configuration.multishotReceive && configuration.multishotUnixReceive
                && KernelFacts.unixReceivesEnd,
            countedReceive: configuration.multishotReceive && configuration.countedReceive
                && KernelFacts.receivesCount,
            multishotRead: configuration.multishotRead && curing_has_multishot_read(ring)
                && KernelFacts.readsEnd,
            quietWrites: configuration.quietWrites && cposix_has_quiet_writes(),
            childWaits: configuration.childWaits && curing_has_child_waits(ring),
            incrementalBuffers: parts.pool.area.isIncremental,
            messageWakeUp: waker is MessageWaker,
            noIOWait: configuration.noIOWait && curing_has_no_iowait(ring)
        )
    }
}
