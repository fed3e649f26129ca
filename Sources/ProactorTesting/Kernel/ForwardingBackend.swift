import Proactor
import SystemPackage

/// Does what the backend behind it does, for a subclass that does some of it otherwise.
class ForwardingBackend: CompletionBackend {
    private let inner: any CompletionBackend
    let system: any SystemCalls

    /// - Parameter system: what it calls instead of what the backend behind it does.
    init(_ inner: any CompletionBackend, system: (any SystemCalls)? = nil) {
        self.inner = inner
        self.system = system ?? inner.system
    }

    var waker: any LoopWaker { inner.waker }
    var operationCount: Int { inner.operationCount }
    var immediateSendSize: Int { inner.immediateSendSize }
    var asksForSendsAtOnce: Bool { inner.asksForSendsAtOnce }
    var datagramSizeMax: Int { inner.datagramSizeMax }
    var waitsForChildren: Bool { inner.waitsForChildren }

    var meter: TurnMeter? {
        get { inner.meter }
        set { inner.meter = newValue }
    }

    func useFlush(_ flush: @escaping () -> Void) { inner.useFlush(flush) }
    func useExecutor(_ submit: @escaping BlockingCallSubmission) { inner.useExecutor(submit) }
    func start() throws(RingUnavailable) { try inner.start() }

    @discardableResult
    func submit(_ operation: IOOperation, owner: CompletionOwner?) -> OperationToken {
        inner.submit(operation, owner: owner)
    }

    func cancel(_ token: OperationToken) { inner.cancel(token) }

    func endAccept(_ token: OperationToken, closing listener: FileDescriptor) -> Bool {
        inner.endAccept(token, closing: listener)
    }

    func settle() { inner.settle() }
    func poll(timeoutNanoseconds: Int64) { inner.poll(timeoutNanoseconds: timeoutNanoseconds) }
    func deliver() { inner.deliver() }
    func close() { inner.close() }
}
