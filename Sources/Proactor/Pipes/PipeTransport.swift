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

    private let pipe: AdoptedPipe
    private let isReader: Bool
    /// A terminal's output goes out at the line's pace, and its close may wait for that.
    override var closesSlowly: Bool { isTerminal }
    private let isTerminal: Bool
    private var waitsForWriter: Bool
    /// The wait for the reader to go away.
    private var hangUpWait: OperationToken?
    /// Whether there is nothing more to hear from it.
    private var isHangUpKnown = false

    /// Takes over a pipe. Nothing happens before ``start()``.
    init(
        loop: BaseEventLoop,
        pipe: AdoptedPipe,
        end: End,
        kind: DescriptorKind = .pipe,
        connectionProtocol: any ConnectionProtocol
    ) {
        self.pipe = pipe
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
            socket: pipe.used,
            connectionProtocol: connectionProtocol,
            hasPeerAddress: false
        )
        if pipe.hasOwnFile { loop.own(pipe.given) }
        mayLinger = kind == .socket
        if isReader { writeEnd = .sent } else { endOfStream = .delivered }
    }

    override func reconcile() {
        super.reconcile()
        if !isReader { reconcileHangUpWait() }
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
    override func sendAtOnce(_ bytes: UnsafeRawBufferPointer) -> Int {
        loop.system.writeWithoutWaiting(bytes, to: descriptor)
    }
    override var asksAtOnce: Bool { false }
    override var hasTwoEnds: Bool { false }
    override var canWriteEOF: Bool { !isReader }
    override var refusal: String {
        isReader ? "write was called on the reading end of a pipe" : "write was called after writeEOF"
    }

    override func failure(_ operation: SocketError.Operation, _ errno: Errno) -> any Error {
        PipeError.failed(operation == .receive ? .read : .write, errno)
    }

    override func willClose() {
        restoreFlag()
        guard pipe.hasOwnFile else { return }
        loop.disown(pipe.given)
        loop.backend.submit(.close(pipe.given), owner: nil)
    }

    override func willCloseWithLoop(inFork: Bool) {
        // In a fork's child the open file is the parent's, who still uses it.
        if !inFork { restoreFlag() }
        if pipe.hasOwnFile { try? loop.system.close(pipe.given) }
    }

    /// Leaves the open file to the others as it was.
    private func restoreFlag() {
        guard pipe.wasBlocking else { return }
        // Nobody is left to hear of a failure.
        try? loop.system.processes.setNonBlocking(pipe.given, false)
    }

    override var hasWorkInFlight: Bool { hangUpWait != nil || super.hasWorkInFlight }

    override func waitCompleted(_ completion: Completion) {
        guard completion.token == hangUpWait else { return writerCame(completion) }
        hangUpWait = nil
        isHangUpKnown = true
        guard completion.result > 0 else { return }
        loseUnread()
    }

    /// For a child that has ended: whether its input has an end is known by then, and told before.
    func loseIfReaderIsGone() {
        guard !isReader, isOpenOrFlushing, loop.system.processes.isReaderGone(descriptor) else {
            return
        }
        loseUnread()
    }

    /// Nobody will read what is still to be written: an error, if there is any.
    func loseUnread() {
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
        return pipe.given as? Value
    }

    override var description: String {
        "transport of pipe \(pipe.given.rawValue) (\(phase), \(unsentByteCount) bytes to write)"
    }
}
