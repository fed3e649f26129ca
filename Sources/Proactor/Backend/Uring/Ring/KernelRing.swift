import CPosix
import CUring
import Glibc
import SystemPackage

/// ``RingCalls`` on the real kernel. The ring is disabled until ``start()``.
final class KernelRing: RingCalls {
    let features: RingFeatures
    let waker: any LoopWaker
    let streamBuffers: BufferArea
    // `ring` and the buffers are the C wrapper's own allocations, valid until destroy or abandon; the backend calls
    // nothing after those.
    let ring: OpaquePointer
    private let buffers: OpaquePointer
    private(set) var datagramBuffers: OpaquePointer?
    private(set) var singleBuffers: OpaquePointer?
    private let datagramBufferCount: Int
    private let datagramSize: Int
    private let workerLimit: UInt32
    /// Where the kernel puts the eventfd's counter, until the ring is gone.
    private let wakeUpCounter: UnsafeMutablePointer<UInt64>
    private var isOpen = true
    /// How large the queues are, and whether that is enough.
    @exclusivity(unchecked) var growth: QueueGrowth
    /// Whether the last turn brought much. Then a message that is asked for one at a time has often come by the time when that is
    /// submitted, with all that the turn does, and is tried for; on a quiet loop it has not, and trying is in vain.
    @exclusivity(unchecked) private(set) var isBusy = false
    private static let busyCount = 8
    /// Writes to pipes in flight that could raise SIGPIPE on this thread, and waits for room on behalf of such.
    var loudWriteCount = 0

    init(configuration: RingConfiguration) throws(RingUnavailable) {
        try configuration.validate()
        let parts = try Self.makeParts(configuration)
        do throws(RingUnavailable) {
            waker = try Self.makeWaker(parts.ring, configuration)
        } catch {
            // Never enabled, so nothing is in flight in it.
            curing_destroy(parts.ring, false)
            curing_buffers_destroy(parts.pool.buffers)
            throw error
        }
        ring = parts.ring
        buffers = parts.pool.buffers
        streamBuffers = parts.pool.area
        features = Self.features(of: parts, waker, configuration)
        growth = QueueGrowth(
            sizes: .init(
                submissions: features.submissionQueueSize,
                completions: features.completionQueueSize
            ),
            limits: .init(
                submissions: configuration.submissionQueueLimit,
                completions: configuration.completionQueueLimit
            ),
            isPossible: features.growingQueues
        )
        workerLimit = UInt32(configuration.workerLimit)
        datagramBufferCount = configuration.datagramBufferCount
        datagramSize = configuration.datagramSize
        wakeUpCounter = .allocate(capacity: 1)
        wakeUpCounter.initialize(to: 0)
    }

    deinit {
        precondition(!isOpen, "a ring was let go of before it was closed")
    }

    func start() throws(RingUnavailable) -> Bool {
        let result = curing_enable(ring)
        guard result >= 0 else {
            throw Self.refusal(Errno(rawValue: -result), call: "IORING_REGISTER_ENABLE_RINGS")
        }
        // A kernel that does not know the limit keeps its own: nothing depends on it.
        var limits = [workerLimit, workerLimit]
        _ = curing_cap_workers(ring, &limits)
        return (waker as? MessageWaker)?.takeMissed() ?? false
    }

    /// For tests and for debugging.
    var descriptor: Int32 { curing_descriptor(ring) }

    // MARK: - Submission

    func prepare(_ operation: IOOperation, token: OperationToken) -> Bool {
        let name = token.rawValue
        switch operation {
        case .receive, .receiveDatagrams, .receiveOnce, .receiveMessage, .receiveInto:
            return prepareReceive(operation, token: token)
        case .send(let socket, let bytes), .sendNow(let socket, let bytes):
            return curing_prepare_send(
                ring,
                socket.rawValue,
                bytes.baseAddress,
                Self.length(bytes.count),
                name
            )
        case .sendMessage(let socket, let message), .sendMessageNow(let socket, let message):
            return curing_prepare_send_message(ring, socket.rawValue, message, name)
        case .waitUntilReadable(let descriptor):
            return prepareWait(for: .read, of: descriptor, token: token)
        case .waitForChild(let pid):
            return curing_prepare_child_wait(ring, pid, name)
        case .waitUntilWritable(let descriptor):
            return prepareWait(for: .write, of: descriptor, token: token)
        case .waitForHangUp(let descriptor):
            // Hang-ups and errors are always looked for.
            return curing_prepare_poll(ring, descriptor.rawValue, 0, false, name)
        case .close(let descriptor):
            return curing_prepare_close(ring, descriptor.rawValue, false, name)
        case .closeFile(let descriptor):
            return curing_prepare_close(ring, descriptor.rawValue, true, name)
        case .accept, .acceptOnce, .connect:
            return prepareConnection(operation, token: token)
        case .openFile, .readFile, .writeFile, .synchronizeFile, .fileStatus, .sendFile:
            return prepareOnFile(operation, token: token)
        case .pipeRead, .pipeReadInto, .pipeWrite, .pipeWriteVector:
            return preparePipe(operation, token: token)
        case .watch(let descriptor, let side):
            return prepareWait(for: side, of: descriptor, token: token)
        }
    }

    func prepareCancel(of target: OperationToken, token: OperationToken) -> Bool {
        curing_prepare_cancel(ring, target.rawValue, token.rawValue)
    }

    func prepareCancelOfAll(token: OperationToken) -> Bool {
        curing_prepare_cancel_all(ring, token.rawValue)
    }

    func prepareWait(for side: Readiness, of descriptor: FileDescriptor, token: OperationToken) -> Bool {
        let events = UInt32(side == .read ? POLLIN : POLLOUT)
        return counting(
            token,
            curing_prepare_poll(ring, descriptor.rawValue, events, false, token.rawValue)
        )
    }

    func prepareWaitForRoom(of descriptor: FileDescriptor, token: OperationToken) -> Bool {
        counting(token, curing_prepare_poll(ring, descriptor.rawValue, UInt32(POLLOUT), true, token.rawValue))
    }

    func prepareWakeUpRead(token: OperationToken) -> Bool {
        guard let waker = waker as? EventWaker else { preconditionFailure("a ring without an eventfd") }
        let size = UInt32(MemoryLayout<UInt64>.size)
        return curing_prepare_read(ring, waker.descriptor, wakeUpCounter, size, -1, token.rawValue)
    }

    /// A turn's submissions leave with its one wait, but for those that the queue has no room for.
    func submit() -> Int32 {
        growth.noteFlush()
        return holdingPipeSignal { curing_submit(ring) }
    }

    var isQuiet: Bool { curing_is_quiet(ring) }

    func submitAndWait(timeoutNanoseconds: Int64) -> Int32 {
        holdingPipeSignal { curing_submit_and_wait(ring, timeoutNanoseconds, features.noIOWait) }
    }

    func rest(nanoseconds: Int64) { cposix_sleep(nanoseconds) }

    func reap(into target: UnsafeMutablePointer<RingCompletion>, capacity: Int) -> Int {
        let count = Int(curing_reap(ring, target, UInt32(capacity)))
        isBusy = count >= Self.busyCount
        if loudWriteCount > 0 { forgetLoudWrites(among: UnsafeBufferPointer(start: target, count: count)) }
        return count
    }

    func takeUnsubmitted() -> OperationToken? {
        var name: UInt64 = 0
        return curing_take_unsubmitted(ring, &name) ? OperationToken(rawValue: name) : nil
    }

    /// A short transfer is normal, so what a submission has no room for is left for the next.
    static func length(_ count: Int) -> UInt32 {
        UInt32(min(count, 0x7fff_f000))
    }

    // MARK: - Buffers

    func makeDatagramBuffers() throws(Errno) -> BufferArea {
        precondition(datagramBuffers == nil, "the buffers of datagrams were made twice")
        // Before each datagram stand what the kernel says of it, its source's address and control messages. Steps of a
        // multiple of a page would put all buffers' beginnings, which small datagrams share among them, into the same few lines
        // of a cache.
        let size = (datagramSize + 63) / 64 * 64 + DatagramReception.prefixMax
        let pool = try makeLaterPool(
            .datagrams,
            count: datagramBufferCount,
            size: size,
            delaysMilliseconds: [2, 10, 40, 100]
        )
        datagramBuffers = pool.buffers
        return pool.area
    }

    /// How many more of them there are than of those that are consumed piece by piece: each serves one receive.
    private static let singleBufferFactor = 4
    /// Bytes that they have more, for the same reason as those of datagrams.
    private static let singleBufferExcess = 64

    func makeSingleBuffers() throws(Errno) -> BufferArea {
        precondition(singleBuffers == nil, "the buffers of single receives were made twice")
        let pool = try makeLaterPool(
            .singles,
            count: min(streamBuffers.count * Self.singleBufferFactor, 32_768),
            size: streamBuffers.size + Self.singleBufferExcess,
            // They can be done without.
            delaysMilliseconds: [2, 10]
        )
        singleBuffers = pool.buffers
        return pool.area
    }

    /// Another ring's memory comes back only some time after it was closed: that is waited for, as when a ring is made.
    private func makeLaterPool(
        _ group: BufferGroup,
        count: Int,
        size: Int,
        delaysMilliseconds: [UInt32]
    ) throws(Errno) -> Pool {
        for delay in [0] + delaysMilliseconds {
            if delay > 0 { usleep(delay * 1000) }
            let pool = try? Self.makePool(ring, group, count: count, size: size, isIncremental: false)
            if let pool { return pool }
        }
        // The kernel keeps account of what it locks for the ring, and memory is what it can lack here.
        throw .noMemory
    }

    func recycleBuffer(_ number: UInt16, of group: BufferGroup) {
        curing_buffers_recycle(buffers(of: group), number)
    }

    func publishBuffers(of group: BufferGroup) {
        curing_buffers_publish(buffers(of: group))
    }

    func buffers(of group: BufferGroup) -> OpaquePointer {
        switch group {
        case .streams:
            return buffers
        case .datagrams:
            guard let datagramBuffers else { preconditionFailure("a datagram before there were buffers") }
            return datagramBuffers
        case .singles:
            guard let singleBuffers else { preconditionFailure("a single receive before there were buffers") }
            return singleBuffers
        }
    }

    // MARK: - End

    func destroy(onOwnerThread: Bool, keepingBuffers: Bool) {
        precondition(isOpen, "a ring was closed twice")
        isOpen = false
        curing_destroy(ring, onOwnerThread)
        closeWaker()
        guard !keepingBuffers else { return }
        curing_buffers_destroy(buffers)
        if let datagramBuffers { curing_buffers_destroy(datagramBuffers) }
        if let singleBuffers { curing_buffers_destroy(singleBuffers) }
        wakeUpCounter.deallocate()
    }

    func abandon() {
        precondition(isOpen, "a ring was closed twice")
        isOpen = false
        curing_abandon(ring)
        closeWaker()
    }

    private func closeWaker() {
        (waker as? EventWaker)?.close()
    }
}
