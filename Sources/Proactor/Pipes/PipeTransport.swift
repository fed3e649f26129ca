import Glibc
import SystemPackage

/// One end of a pipe: a stream transport with one direction.
///
/// The end that writes keeps a wait in flight that tells when the reader is gone; without anything to write nobody else
/// would tell.
final class PipeTransport: StreamSocketTransport {
    enum End {
        /// What comes first from a FIFO is the first writer: until then a read would say end of stream.
        case reading(waitsForWriter: Bool)
        case writing
    }

    private let isReader: Bool
    /// A terminal's output goes out at the line's pace, and its close may wait for that.
    override var closesSlowly: Bool { isTerminal }
    private let isTerminal: Bool
    private var waitsForWriter: Bool
    /// The wait for the reader to go away.
    private var hangUpWait: OperationToken?
    /// Whether there is nothing more to hear from it.
    private var isHangUpKnown = false

    /// Takes over a non-blocking descriptor. Nothing happens before ``start()``.
    init(
        loop: BaseEventLoop,
        pipe: FileDescriptor,
        end: End,
        kind: DescriptorKind = .pipe,
        connectionProtocol: any ConnectionProtocol
    ) {
        isTerminal = kind == .terminal
        switch end {
        case .reading(let waits):
            isReader = true
            waitsForWriter = waits
        case .writing:
            isReader = false
            waitsForWriter = false
        }
        super.init(
            loop: loop,
            socket: pipe,
            connectionProtocol: connectionProtocol,
            hasPeerAddress: false
        )
        mayLinger = kind == .socket
        if isReader { writeEnd = .sent } else { endOfStream = .delivered }
    }

    override func reconcile() {
        if !isReader { reconcileHangUpWait() }
        super.reconcile()
    }

    private func reconcileHangUpWait() {
        if let hangUpWait {
            if !isOpenOrFlushing { loop.backend.cancel(hangUpWait) }
        } else if isOpenOrFlushing, !isHangUpKnown {
            hangUpWait = loop.backend.submit(.waitForHangUp(descriptor), owner: self)
        }
    }

    // MARK: - What differs from a socket

    override var waitBeforeReceiving: IOOperation? { waitsForWriter ? .waitUntilReadable(descriptor) : nil }
    override func makeReceive() -> IOOperation { .pipeRead(descriptor) }
    override func makeReceive(into room: UnsafeMutableRawBufferPointer) -> IOOperation {
        .pipeReadInto(descriptor, room)
    }

    override func makeSend() -> IOOperation { writes.makeWrite(to: descriptor, pool: loop.buffers) }
    override func sendAtOnce(_ bytes: UnsafeRawBufferPointer) -> Int { 0 }
    override var hasTwoEnds: Bool { false }
    override var canWriteEOF: Bool { !isReader }
    override var refusal: String {
        isReader ? "write was called on the reading end of a pipe" : "write was called after writeEOF"
    }

    override func failure(_ operation: SocketError.Operation, _ errno: Errno) -> any Error {
        PipeError.failed(operation == .receive ? .read : .write, errno)
    }

    override var hasWorkInFlight: Bool { hangUpWait != nil || super.hasWorkInFlight }

    override func waitCompleted(_ completion: Completion) {
        guard completion.token == hangUpWait else { return writerCame(completion) }
        hangUpWait = nil
        isHangUpKnown = true
        guard completion.result > 0 else { return }
        loseConnection(writes.byteCount > 0 ? failure(.send, .brokenPipe) : nil)
    }

    private func writerCame(_ completion: Completion) {
        receiveEnded()
        guard completion.result > 0 else { return endOrFail(completion) }
        waitsForWriter = false
    }

    // MARK: - What is known

    override func extraInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value? {
        loop.checkThread("extraInfo")
        guard phase != .closed, key.name == ExtraInfoKey<FileDescriptor>.pipe.name else { return nil }
        return descriptor as? Value
    }

    override var description: String {
        "transport of pipe \(descriptor.rawValue) (\(phase), \(unsentByteCount) bytes to write)"
    }
}
