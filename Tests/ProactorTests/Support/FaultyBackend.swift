import Glibc
import SystemPackage

@testable import Proactor
@testable import ProactorTesting

/// A backend that does what the one behind it does, but for the faults that a test asks for.
final class FaultyBackend: ForwardingBackend {
    /// No send takes more bytes than this.
    var sendLimit = Int.max {
        didSet { faultySystem.sendLimit = sendLimit }
    }
    /// Cancels are asked for too late to have an effect, while true.
    var losesCancels = false
    /// So many polls pass before the kernel hears of a cancel.
    var cancelDelay = 0
    private var lateCancels: [(poll: Int, token: OperationToken)] = []
    /// Accepts do not end at once, as on a ring whose kernel is short of memory, while true.
    var endsAcceptsLater = false
    /// What the next accepts end with, instead of beginning.
    var acceptFailures: [Errno] = []
    private(set) var acceptCount = 0
    private(set) var pollCount = 0
    /// What starting ends with, instead of beginning.
    var startFailure: RingUnavailable?
    /// What binding a socket ends with.
    var bindFailure: Errno? {
        didSet { faultySystem.bindFailure = bindFailure }
    }
    /// What the next operations of a kind end with, instead of beginning.
    var failures: [OperationKind: [Errno]] = [:]
    /// Hears of every operation before it is looked at.
    var onSubmit: ((IOOperation) -> Void)?
    /// No read or write of a file takes more bytes than this.
    var fileLimit = Int.max
    /// What the next attempts to send datagrams end with.
    var datagramSendFailures: [Errno] {
        get { faultySystem.datagramSendFailures }
        set { faultySystem.datagramSendFailures = newValue }
    }
    /// What the next sends of transports at once, past the backend, end with.
    var sendFailures: [Errno] {
        get { faultySystem.sendFailures }
        set { faultySystem.sendFailures = newValue }
    }
    /// How many datagrams went out by one call, for each call.
    var datagramBatches: [Int] { faultySystem.datagramBatches }
    /// How often an option of a socket was asked for.
    var optionCount: Int { faultySystem.optionCount }

    private let faultySystem: FaultySystemCalls
    private var failed: [(token: OperationToken, owner: CompletionOwner?, errno: Errno)] = []
    private var failureCount: UInt32 = 0

    init(_ inner: any CompletionBackend) {
        faultySystem = FaultySystemCalls(inner.system)
        super.init(inner, system: faultySystem)
    }

    /// Sends are seen here, whatever is below.
    override var asksForSendsAtOnce: Bool { false }
    override var operationCount: Int { super.operationCount + failed.count }

    func replaceProcessCalls(by calls: any ProcessCalls) {
        faultySystem.processes = calls
    }

    /// From here on time passes by `advanceClock(by:)` alone, however long a busy machine takes.
    func stopClock() {
        faultySystem.stopClock()
    }

    func advanceClock(by duration: Duration) {
        faultySystem.advance(by: duration)
    }

    override func start() throws(RingUnavailable) {
        if let startFailure { throw startFailure }
        try super.start()
    }

    @discardableResult
    override func submit(_ operation: IOOperation, owner: CompletionOwner?) -> OperationToken {
        onSubmit?(operation)
        if let errno = nextFailure(of: operation.kind) {
            failureCount += 1
            let token = OperationToken(kind: operation.kind, generation: failureCount, slot: .max - 1)
            failed.append((token, owner, errno))
            return token
        }
        switch operation {
        case .readFile(let file, let target, let offset) where target.count > fileLimit:
            let part = UnsafeMutableRawBufferPointer(rebasing: target.prefix(fileLimit))
            return super.submit(.readFile(file, part, offset: offset), owner: owner)
        case .writeFile(let file, let bytes, let offset) where bytes.count > fileLimit:
            let part = UnsafeRawBufferPointer(rebasing: bytes.prefix(fileLimit))
            return super.submit(.writeFile(file, part, offset: offset), owner: owner)
        case .accept where !acceptFailures.isEmpty:
            acceptCount += 1
            failureCount += 1
            let token = OperationToken(kind: .accept, generation: failureCount, slot: .max - 1)
            failed.append((token, owner, acceptFailures.removeFirst()))
            return token
        case .accept:
            acceptCount += 1
            return super.submit(operation, owner: owner)
        case .send(let socket, let bytes) where bytes.count > sendLimit:
            return super.submit(.send(socket, .init(rebasing: bytes.prefix(sendLimit))), owner: owner)
        case .sendNow(let socket, let bytes) where bytes.count > sendLimit:
            return super.submit(.sendNow(socket, .init(rebasing: bytes.prefix(sendLimit))), owner: owner)
        case .sendMessage(let socket, let message) where sendLimit < Int.max:
            shorten(message)
            return super.submit(.sendMessage(socket, message), owner: owner)
        case .sendMessageNow(let socket, let message) where sendLimit < Int.max:
            shorten(message)
            return super.submit(.sendMessageNow(socket, message), owner: owner)
        default:
            return super.submit(operation, owner: owner)
        }
    }

    private func nextFailure(of kind: OperationKind) -> Errno? {
        guard let next = failures[kind]?.first else { return nil }
        failures[kind]?.removeFirst()
        return next
    }

    /// The message's memory is the operation's own, so it may be changed: from its back to what is left of the limit.
    private func shorten(_ message: UnsafeMutablePointer<msghdr>) {
        var remaining = sendLimit
        var kept = 0
        while kept < message.pointee.msg_iovlen, remaining > 0 {
            let length = min(message.pointee.msg_iov[kept].iov_len, remaining)
            message.pointee.msg_iov[kept].iov_len = length
            remaining -= length
            kept += 1
        }
        message.pointee.msg_iovlen = kept
    }

    override func cancel(_ token: OperationToken) {
        guard !losesCancels, token.slot != .max - 1 else { return }
        guard cancelDelay == 0 else { return lateCancels.append((pollCount + cancelDelay, token)) }
        super.cancel(token)
    }

    override func endAccept(_ token: OperationToken, closing listener: FileDescriptor) -> Bool {
        guard !losesCancels, !endsAcceptsLater else {
            cancel(token)
            return false
        }
        return super.endAccept(token, closing: listener)
    }

    override func poll(timeoutNanoseconds: Int64) {
        pollCount += 1
        while let (poll, token) = lateCancels.first, poll <= pollCount {
            lateCancels.removeFirst()
            super.cancel(token)
        }
        super.poll(timeoutNanoseconds: failed.isEmpty ? timeoutNanoseconds : 0)
    }

    override func deliver() {
        let failed = failed
        self.failed = []
        for (token, owner, errno) in failed {
            owner?.operationCompleted(Completion(token: token, result: -errno.rawValue, isFinal: true))
        }
        super.deliver()
    }

    override func close() {
        failed = []
        super.close()
    }
}
