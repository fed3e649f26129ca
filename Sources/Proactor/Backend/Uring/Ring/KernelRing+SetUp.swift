import CUring
import Glibc
import SystemPackage

/// How a ring, its buffers and its waker are made, and why they could not be.
extension KernelRing {
    static func makeRing(_ configuration: RingConfiguration) throws(RingUnavailable) -> OpaquePointer {
        var parameters = curing_parameters(
            submission_entries: UInt32(configuration.submissionQueueSize),
            completion_entries: UInt32(configuration.completionQueueSize)
        )
        var ring: OpaquePointer?
        var result = curing_create(&parameters, &ring)
        // Another ring's memory comes back only some time after it was closed.
        for delayMilliseconds: UInt32 in [2, 20] where result == -ENOMEM {
            usleep(delayMilliseconds * 1000)
            result = curing_create(&parameters, &ring)
        }
        guard result >= 0, let ring else {
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

    static func makeBuffers(
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
        let result = curing_buffers_register(buffers, ring, group.rawValue, isIncremental)
        guard result < 0 else {
            let area = BufferArea(
                group: group,
                memory: curing_buffers_base(buffers),
                count: count,
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
}
