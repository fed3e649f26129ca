import CPosix
import Glibc
import SystemPackage

/// Makes completions out of readiness: tries an operation's call, waits until its descriptor is ready when the kernel says
/// "not now", and tries again.
///
/// - What can complete at once does so within ``submit(_:owner:)`` and waits in `completed` for the next delivery.
/// - `.receive` and `.accept` do not try: they are registered once, for as long as they live, and each message costs one
///   call. The call is made at delivery, right before its owner hears of it, so that what an earlier callback of the turn
///   cancelled or closed is not touched any more.
/// - A single receive tries just before the next poll, when the turn's other work is done: a busy peer has answered by then, and
///   two calls to register and forget the descriptor are spared.
/// - A descriptor has at most one operation that reads and one that writes. Errors and hang-ups wake both.
/// - What only a thread can wait for, such as a read of a file, is called on the loop's executor.
/// - What is ready for ever and brings nothing rests, after some tries: see ``triedInVain(_:)``.
/// - What cannot be registered (a regular file with epoll: EPERM; no memory) ends with that error.
/// - A Unix socket's connect to a listener whose backlog is full can be waited for by no selector: it is tried again every
///   millisecond, so that it waits here as it does in a ring.
package final class SelectorBackend: CompletionBackend {
    let kind: SelectorKind
    package let system: any SystemCalls
    package let waker: any LoopWaker
    package var operationCount: Int { table.count }
    /// A send is a call of its own either way.
    package var immediateSendSize: Int { 0 }
    package var asksForSendsAtOnce: Bool { true }
    package var datagramSizeMax: Int { receiveBuffer.count }

    let calls: SocketCalls
    /// Operations on the executor's threads.
    private let threadCalls: ThreadCalls
    let table = OperationTable()
    /// A child of it shares an epoll instance, and what it changes there is changed for both.
    let process = ProcessOfOrigin()
    /// What `.receive` reads into: one for all, so that it stays in the processor's cache.
    let receiveBuffer: UnsafeMutableRawBufferPointer
    /// Where control messages are put that come with it.
    let controlRoom: UnsafeMutableRawPointer
    /// The peer of the connection that was accepted last: to ask for it afterwards is a call of its own.
    let acceptedAddress: UnsafeMutablePointer<KernelAddress>

    // Exclusivity: all of it belongs to the loop's thread, and no method calls out while it changes these.
    @exclusivity(unchecked) private(set) var isClosed = false
    @exclusivity(unchecked) var isFreed = false
    /// Indexed by descriptor.
    @exclusivity(unchecked) private var registrations = RawList<DescriptorRegistration>(capacity: 64)
    /// What is over but not delivered, first in, first out.
    @exclusivity(unchecked) var completed = RawList<CompletedOperation>()
    /// The operations for which a poll found their descriptor ready. Tokens, not descriptors: what a callback ends
    /// before its turn has come is not found any more, although its number may have another use by then.
    @exclusivity(unchecked) var ready = RawQueue<OperationToken>()
    /// Those among them that have filled their share the last time: they come after the others.
    @exclusivity(unchecked) var sated = RawQueue<OperationToken>()
    /// How much a turn delivers.
    @exclusivity(unchecked) var budget = TurnBudget()
    /// Receives that have not tried yet.
    @exclusivity(unchecked) var untried = RawList<OperationToken>()
    /// Connects to a full backlog.
    @exclusivity(unchecked) var connectRetries = RawList<OperationToken>()
    /// Operations that are not registered for a while.
    @exclusivity(unchecked) var resting = RestingOperations()
    @exclusivity(unchecked) package var meter: TurnMeter?

    /// Has submitted what owners want now.
    private var flush: () -> Void = {}
    private let selector: any Selector
    /// What wakes it, where it is the real kernel that it waits in.
    private let eventWaker: EventWaker?
    let found: UnsafeMutableBufferPointer<ReadyDescriptor>

    /// A quarter of this cost a tenth and more of the throughput of 1 MiB messages; small ones touch its first page only.
    private static let receiveBufferSize = 256 * 1024
    /// Over a kernel in memory, which has many loops that live for moments. Any datagram has room.
    private static let smallReceiveBufferSize = 64 * 1024
    /// Descriptors that one poll takes up.
    private static let readyMax = 256

    init(
        kind: SelectorKind,
        calls: SocketCalls = SocketCalls(),
        fileCalls: FileCalls = FileCalls()
    ) throws(SelectorUnavailable) {
        self.kind = kind
        self.calls = calls
        system = LinuxSystemCalls(nonBlocking: true)
        let eventWaker = try Self.attempt(.makeWaker, of: kind) { () throws(Errno) in try EventWaker() }
        self.eventWaker = eventWaker
        waker = eventWaker
        threadCalls = ThreadCalls(calls: fileCalls, waker: eventWaker)
        do throws(SelectorUnavailable) {
            selector = try Self.attempt(.makeSelector, of: kind) { () throws(Errno) in
                try Self.makeSelector(kind)
            }
        } catch {
            eventWaker.close()
            throw error
        }
        receiveBuffer = .allocate(byteCount: Self.receiveBufferSize, alignment: 4096)
        controlRoom = DatagramReception.allocateControlRoom()
        found = .allocate(capacity: Self.readyMax)
        acceptedAddress = .allocate(capacity: 1)
        acceptedAddress.initialize(to: .blank)
        // Should this fail, the deinitialiser closes: the instance is whole.
        try Self.attempt(.watchWaker, of: kind) { () throws(Errno) in
            try selector.watch(eventWaker.descriptor, for: .read)
        }
    }

    /// Runs over another kernel than the real one, which has what wakes the loop.
    package init(kernel: any SelectorKernel, system: any SystemCalls, waker: any LoopWaker) {
        kind = .poll
        calls = KernelSocketCalls(kernel)
        self.system = system
        self.waker = waker
        eventWaker = nil
        threadCalls = ThreadCalls(calls: KernelFileCalls(kernel), waker: waker)
        selector = KernelSelector(kernel)
        receiveBuffer = .allocate(byteCount: Self.smallReceiveBufferSize, alignment: 4096)
        controlRoom = DatagramReception.allocateControlRoom()
        found = .allocate(capacity: Self.readyMax)
        acceptedAddress = .allocate(capacity: 1)
        acceptedAddress.initialize(to: .blank)
    }

    deinit {
        close()
        freeMemory()
    }

    private static func attempt<Value>(
        _ operation: SelectorUnavailable.Operation,
        of kind: SelectorKind,
        _ body: () throws(Errno) -> Value
    ) throws(SelectorUnavailable) -> Value {
        do throws(Errno) {
            return try body()
        } catch {
            throw SelectorUnavailable(operation, error, selector: kind)
        }
    }

    private static func makeSelector(_ kind: SelectorKind) throws(Errno) -> any Selector {
        switch kind {
        case .epoll: try EpollSelector()
        case .poll: PollSelector()
        case .select: SelectSelector()
        }
    }

    package func start() throws(RingUnavailable) {}

    package func useFlush(_ flush: @escaping () -> Void) {
        self.flush = flush
    }

    package func useExecutor(_ submit: @escaping BlockingCallSubmission) {
        threadCalls.useExecutor(submit)
    }

    @discardableResult
    package func submit(_ operation: IOOperation, owner: CompletionOwner?) -> OperationToken {
        precondition(!isClosed, "an operation was submitted to a closed backend")
        guard process.isCurrent else { return submitInFork(operation) }
        let token = table.insert(operation, owner: owner)
        guard !operation.needsThread else {
            if let result = threadCalls.start(operation, token) { complete(token, result) }
            return token
        }
        guard let descriptor = operation.descriptor, descriptor.rawValue >= 0 else {
            complete(token, -EBADF)
            return token
        }
        occupy(operation, token)
        begin(operation, token)
        return token
    }

    package func cancel(_ token: OperationToken) {
        // In a fork's child the operation is the parent's.
        guard process.isCurrent, let record = table.find(token), record.pointee.state == .inFlight else {
            return
        }
        let operation = record.pointee.operation
        table.transition(record, to: .cancelling)
        guard !operation.needsThread else {
            // What has begun cannot be stopped, and completes by itself.
            if threadCalls.drop(token) { complete(token, -ECANCELED) }
            return
        }
        // What waits for nothing is over already, and its result counts.
        let isUntried = record.pointee.isWaiting
        if release(operation, token) || isUntried || stopRetrying(token) || resting.remove(token) {
            complete(token, -ECANCELED)
        }
    }

    package func endAccept(_ token: OperationToken, closing listener: FileDescriptor) -> Bool {
        guard !isClosed else { return false }
        cancel(token)
        // Nobody is left to hear of a failure, after which it is closed all the same.
        try? system.close(listener)
        return true
    }

    package func settle() {
        deliverCompleted()
        let count = untried.count
        for index in 0..<count {
            guard process.isCurrent else { return }
            tryReceiving(untried[index])
        }
        untried.removeFirst(count)
    }

    private func deliverCompleted() {
        // Those that callbacks add wait for the next time, else a busy owner could keep the loop here.
        let count = completed.count
        for index in 0..<count {
            let operation = completed[index]
            finish(operation.token, operation.result)
            guard process.isCurrent else { return }
        }
        completed.removeFirst(count)
    }

    package func poll(timeoutNanoseconds: Int64) {
        process.check()
        let timeout = limit(timeoutNanoseconds)
        let count = selector.wait(timeoutNanoseconds: timeout, into: found)
        for index in 0..<count { note(found[index]) }
        if threadCalls.count > 0 { threadCalls.takeResults { complete($0.token, $0.result) } }
    }

    package func deliver() {
        deliverCompleted()
        guard process.isCurrent else { return }
        retryConnects()
        budget.beginTurn()
        let start = sated.isEmpty ? nil : system.now()
        serveReady()
        // Answers do not wait for those who flood.
        if !sated.isEmpty { flush() }
        serveSated()
        if let start { budget.learn(start.duration(to: system.now())) }
    }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        guard process.isCurrent else { return abandon() }
        var owners: [Unmanaged<CompletionOwner>] = []
        // What a thread is still at may use its owner's memory: that owner stays for good.
        let running = threadCalls.close()
        // An accepted connection that nobody will hear of must not leak.
        for index in 0..<completed.count {
            let operation = completed[index]
            guard operation.result >= 0, operation.token.kind?.bringsDescriptor == true else { continue }
            try? system.close(FileDescriptor(rawValue: operation.result))
        }
        table.forEach { token in
            if running.contains(token) { return }
            if let owner = table.retire(token) { owners.append(owner) }
        }
        if !running.isEmpty { _ = Unmanaged.passRetained(table) }
        completed.removeAll()
        untried.removeAll()
        ready.removeFirst(ready.count)
        sated.removeFirst(sated.count)
        connectRetries.removeAll()
        resting.removeAll()
        selector.close()
        eventWaker?.close()
        // Last, since releasing may run the owners' deinitialisers.
        for owner in owners { owner.release() }
    }

    /// In a fork's child: what is in flight, and the threads that are at it, are the parent's.
    private func abandon() {
        _ = Unmanaged.passRetained(table)
        _ = Unmanaged.passRetained(threadCalls)
        selector.close()
        eventWaker?.close()
    }

    /// Turns a finding into the operations that wait for it.
    private func note(_ found: ReadyDescriptor) {
        if let eventWaker, found.descriptor == eventWaker.descriptor { return eventWaker.drain() }
        let registration = registrations[Int(found.descriptor)]
        let sides = registration.interest.intersection(found.readiness)
        if !sides.isDisjoint(with: [.read, .hangUp]), let reader = registration.reader { queue(reader) }
        if sides.contains(.write), let writer = registration.writer { queue(writer) }
    }
}

// MARK: - Book-keeping

extension SelectorBackend {
    /// Gives an operation its side of the descriptor, or sees to it that nothing else is under way on it.
    private func occupy(_ operation: IOOperation, _ token: OperationToken) {
        guard let descriptor = operation.descriptor else {
            preconditionFailure("an operation without a descriptor cannot take one of its sides")
        }
        let index = Int(descriptor.rawValue)
        registrations.extend(to: index + 1, filling: DescriptorRegistration())
        guard let side = operation.side else {
            let registration = registrations[index]
            precondition(
                registration.reader == nil && registration.writer == nil,
                "closed with an operation in flight"
            )
            return
        }
        precondition(registrations[index][side] == nil, "two operations on one side of a descriptor")
        registrations[index][side] = token
    }

    /// Has a receive try before the next poll.
    func tryLater(_ token: OperationToken) {
        table.find(token)?.pointee.isWaiting = true
        untried.append(token)
    }

    /// Has the operation wait until the descriptor is ready for it.
    func wait(_ descriptor: Int32, _ readiness: Readiness, _ token: OperationToken) {
        let interest = registrations[Int(descriptor)].interest
        do throws(Errno) {
            try selector.watch(descriptor, for: interest.union(readiness))
            registrations[Int(descriptor)].interest = interest.union(readiness)
        } catch {
            complete(token, -error.rawValue)
        }
    }

    /// Takes its side of the descriptor from an operation, unless that happened before. Returns whether it waited for
    /// readiness, which it then does no longer.
    @discardableResult
    private func release(_ operation: IOOperation, _ token: OperationToken) -> Bool {
        guard let descriptor = operation.descriptor?.rawValue, descriptor >= 0, let side = operation.side,
            let interest = operation.interest
        else {
            return false
        }
        var registration = registrations[Int(descriptor)]
        guard registration[side] == token else { return false }
        let waited = registration.interest.contains(interest)
        registration[side] = nil
        registration.interest.subtract(interest)
        registrations[Int(descriptor)] = registration
        // Watching for less can fail only when the kernel has lost the registration: `note` ignores what is left of it.
        if waited { try? selector.watch(descriptor, for: registration.interest) }
        return waited
    }

    /// Has an operation keep its side of the descriptor and wait for nothing.
    func stopWaiting(_ operation: IOOperation) {
        guard let descriptor = operation.descriptor, let interest = operation.interest else { return }
        let index = Int(descriptor.rawValue)
        registrations[index].interest.subtract(interest)
        // As above.
        try? selector.watch(descriptor.rawValue, for: registrations[index].interest)
    }

    private func stopRetrying(_ token: OperationToken) -> Bool {
        for index in 0..<connectRetries.count where connectRetries[index] == token {
            connectRetries.replaceByLast(at: index)
            return true
        }
        return false
    }

    /// Puts a final completion down for the next delivery.
    func complete(_ token: OperationToken, _ result: Int32) {
        completed.append(CompletedOperation(token: token, result: result))
    }

    /// Calls an owner whom the table retains throughout: an operation is retired by its final completion, which never comes
    /// within a call.
    @inline(__always)
    func call(_ owner: Unmanaged<CompletionOwner>?, _ completion: Completion) {
        if let meter { return meter.tell(owner, completion) }
        owner?._withUnsafeGuaranteedRef { $0.operationCompleted(completion) }
    }

    /// Ends an operation and tells its owner.
    func finish(
        _ token: OperationToken,
        _ result: Int32,
        bytes: UnsafeRawBufferPointer = .init(start: nil, count: 0)
    ) {
        guard let record = table.find(token) else { preconditionFailure("an operation ended twice") }
        release(record.pointee.operation, token)
        let owner = table.retire(token)
        call(owner, Completion(token: token, result: result, isFinal: true, bytes: bytes))
        owner?.release()
    }
}
