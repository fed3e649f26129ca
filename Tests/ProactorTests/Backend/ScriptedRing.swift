import Glibc
import SystemPackage

@testable import Proactor

/// A ring that does what a test says, in place of the kernel.
final class ScriptedRing: RingCalls {
    enum Submission: Equatable {
        case operation(OperationToken)
        case single(OperationToken, into: BufferGroup)
        case share(OperationToken, bytes: UInt32)
        case cancel(OperationToken)
        case cancelAll
        case wait(OperationToken, Readiness)
        case waitForRoom(OperationToken)
        case wakeUpRead
    }

    final class SilentWaker: LoopWaker {
        func wake() {}
    }

    let features: RingFeatures
    let waker: any LoopWaker = SilentWaker()
    let streamBuffers: BufferArea
    /// As many of the same size as those of streams, behind them.
    private let datagramBuffers: BufferArea
    /// The same again, behind those.
    private let singleBuffers: BufferArea
    private let storage: UnsafeMutableRawBufferPointer
    /// Why no buffers for datagrams can be had.
    var datagramBufferFailure: Errno?
    /// The same for single receives.
    var singleBufferFailure: Errno?

    /// How many submissions the queue holds.
    var room = Int.max
    /// Answers of `submit`, then of `submitAndWait`: an error leaves the queue as it is. Without a script all goes well.
    var submitScript: [Int32] = []
    var waitScript: [Int32] = []
    /// What the next reaps find.
    var completions: [RingCompletion] = []
    /// Called by each wait, to answer what was handed over.
    var onWait: (() -> Void)?
    var onDestroy: (() -> Void)?

    private(set) var queue: [(submission: Submission, token: OperationToken)] = []
    private(set) var handedOver: [Submission] = []
    private(set) var timeouts: [Int64] = []
    private(set) var recycled: [UInt16] = []
    private(set) var published: [UInt16] = []
    private(set) var recycledDatagrams: [UInt16] = []
    private(set) var publishedDatagrams: [UInt16] = []
    private(set) var recycledSingles: [UInt16] = []
    private(set) var publishedSingles: [UInt16] = []
    private(set) var isDestroyed = false
    private(set) var keptBuffers = false

    init(
        incremental: Bool = false,
        bufferCount: Int = 4,
        givenCount: Int? = nil,
        bufferSize: Int = 64,
        messageWakeUp: Bool = true,
        multishotUnixReceive: Bool = true,
        countedReceive: Bool = false
    ) {
        features = RingFeatures(
            submissionQueueSize: 8,
            completionQueueSize: 16,
            growingQueues: true,
            bufferCount: bufferCount,
            bufferSize: bufferSize,
            multishotAccept: true,
            waitFreeAccept: true,
            multishotReceive: true,
            multishotUnixReceive: multishotUnixReceive,
            countedReceive: countedReceive,
            multishotRead: true,
            quietWrites: true,
            childWaits: true,
            incrementalBuffers: incremental,
            messageWakeUp: messageWakeUp,
            noIOWait: true
        )
        // A datagram has its address and control messages before it.
        let datagramBufferSize = bufferSize + DatagramReception.prefixMax
        let size = bufferCount * (2 * bufferSize + datagramBufferSize)
        storage = .init(start: .allocate(byteCount: size, alignment: 16), count: size)
        for index in 0..<size { storage[index] = UInt8(truncatingIfNeeded: index) }
        // Those of single receives have bytes that others do not have in the same places.
        for index in (size - bufferCount * bufferSize)..<size { storage[index] ^= 0xff }
        streamBuffers = BufferArea(
            group: .streams,
            memory: storage.baseAddress!,
            count: bufferCount,
            givenCount: givenCount ?? bufferCount,
            size: bufferSize,
            isIncremental: incremental
        )
        datagramBuffers = BufferArea(
            group: .datagrams,
            memory: storage.baseAddress! + bufferCount * bufferSize,
            count: bufferCount,
            givenCount: bufferCount,
            size: datagramBufferSize,
            isIncremental: false
        )
        singleBuffers = BufferArea(
            group: .singles,
            memory: storage.baseAddress! + bufferCount * (bufferSize + datagramBufferSize),
            count: bufferCount,
            givenCount: bufferCount,
            size: bufferSize,
            isIncremental: false
        )
    }

    deinit {
        storage.deallocate()
    }

    // MARK: - What tests say

    /// A completion of an operation.
    func complete(
        _ token: OperationToken,
        _ result: Int32,
        more: Bool = false,
        buffer: UInt16? = nil,
        bufferMore: Bool = false
    ) {
        var flags: UInt32 = more ? 2 : 0
        if let buffer { flags |= 1 | UInt32(buffer) << 16 }
        if bufferMore { flags |= 1 << 4 }
        completions.append(RingCompletion(user_data: token.rawValue, result: result, flags: flags))
    }

    /// How often an operation was handed over.
    func timesHandedOver(_ token: OperationToken) -> Int {
        handedOver.count { $0 == .operation(token) }
    }

    // MARK: - RingCalls

    func start() -> Bool { false }

    func prepare(_ operation: IOOperation, token: OperationToken) -> Bool {
        enqueue(.operation(token), token)
    }

    func prepareReceive(from socket: FileDescriptor, share: UInt32, token: OperationToken) -> Bool {
        enqueue(.share(token, bytes: share), token)
    }

    func prepareSingle(_ operation: IOOperation, into group: BufferGroup, token: OperationToken) -> Bool {
        enqueue(.single(token, into: group), token)
    }

    func prepareCancel(of target: OperationToken, token: OperationToken) -> Bool {
        enqueue(.cancel(target), token)
    }

    func prepareCancelOfAll(token: OperationToken) -> Bool {
        enqueue(.cancelAll, token)
    }

    func prepareWait(for side: Readiness, of descriptor: FileDescriptor, token: OperationToken) -> Bool {
        enqueue(.wait(token, side), token)
    }

    func prepareWaitForRoom(of descriptor: FileDescriptor, token: OperationToken) -> Bool {
        enqueue(.waitForRoom(token), token)
    }

    func prepareWakeUpRead(token: OperationToken) -> Bool {
        enqueue(.wakeUpRead, token)
    }

    private func enqueue(_ submission: Submission, _ token: OperationToken) -> Bool {
        guard queue.count < room else { return false }
        queue.append((submission, token))
        return true
    }

    /// How many watches of listeners there may be at once.
    var listenerWatchesMax = 0
    /// Those that there are, by numbers that no real descriptor has.
    private(set) var listenerWatches: [FileDescriptor] = []

    func makeListenerWatch(_ listener: FileDescriptor) -> FileDescriptor? {
        guard listenerWatches.count < listenerWatchesMax else { return nil }
        let watch = FileDescriptor(rawValue: 1 << 30 + listener.rawValue)
        listenerWatches.append(watch)
        return watch
    }

    func closeListenerWatch(_ watch: FileDescriptor) {
        listenerWatches.removeAll { $0 == watch }
    }

    func submit() -> Int32 {
        handOver(answer: submitScript.isEmpty ? 0 : submitScript.removeFirst())
    }

    /// A script decides what a poll brings, so every poll asks it, unless a test says otherwise.
    var isQuiet = false

    func submitAndWait(timeoutNanoseconds: Int64) -> Int32 {
        timeouts.append(timeoutNanoseconds)
        let result = handOver(answer: waitScript.isEmpty ? 0 : waitScript.removeFirst())
        onWait?()
        return result
    }

    private func handOver(answer: Int32) -> Int32 {
        guard answer >= 0 else { return answer }
        handedOver += queue.map(\.submission)
        queue.removeAll()
        return answer
    }

    /// How long the backend has waited without the ring, each time.
    private(set) var rests: [Int64] = []
    var onRest: ((Int64) -> Void)?
    func rest(nanoseconds: Int64) {
        rests.append(nanoseconds)
        onRest?(nanoseconds)
    }

    func reap(into target: UnsafeMutablePointer<RingCompletion>, capacity: Int) -> Int {
        let count = min(capacity, completions.count)
        for index in 0..<count { target[index] = completions[index] }
        completions.removeFirst(count)
        return count
    }

    /// Occasions to grow: how many completions were in the ring.
    private(set) var growthOccasions: [Int] = []

    func growIfStrained() { growthOccasions.append(completions.count) }

    func takeUnsubmitted() -> OperationToken? {
        queue.isEmpty ? nil : queue.removeFirst().token
    }

    func makeDatagramBuffers() throws(Errno) -> BufferArea {
        if let datagramBufferFailure { throw datagramBufferFailure }
        return datagramBuffers
    }

    func makeSingleBuffers() throws(Errno) -> BufferArea {
        timesAskedForSingleBuffers += 1
        if let singleBufferFailure { throw singleBufferFailure }
        return singleBuffers
    }

    private(set) var timesAskedForSingleBuffers = 0

    func recycleBuffer(_ number: UInt16, of group: BufferGroup) {
        switch group {
        case .streams: recycled.append(number)
        case .datagrams: recycledDatagrams.append(number)
        case .singles: recycledSingles.append(number)
        }
    }

    func publishBuffers(of group: BufferGroup) {
        switch group {
        case .streams:
            published += recycled
            recycled.removeAll()
        case .datagrams:
            publishedDatagrams += recycledDatagrams
            recycledDatagrams.removeAll()
        case .singles:
            publishedSingles += recycledSingles
            recycledSingles.removeAll()
        }
    }

    func destroy(onOwnerThread: Bool, keepingBuffers: Bool) {
        isDestroyed = true
        keptBuffers = keepingBuffers
        onDestroy?()
    }

    func abandon() { isDestroyed = true }
}
