import Glibc
import Proactor
import SystemPackage

/// What the backend's submissions are to a simulated ring.
extension SimulatedRingKernel {
    func prepare(_ operation: IOOperation, token: OperationToken) -> Bool {
        let name = token.rawValue
        switch operation {
        case .accept(let listener, let oneByOne):
            let isMultishot = features.multishotAccept && !oneByOne
            return enqueue(
                .accept(listener, isMultishot: isMultishot, waits: !features.waitFreeAccept),
                name
            )
        case .receive(let socket):
            return enqueue(
                .receive(socket, RingReceive(group: .streams, isMultishot: features.multishotReceive)),
                name
            )
        case .pipeRead(let pipe):
            return enqueue(
                .receive(pipe, RingReceive(group: .streams, isMultishot: features.multishotRead)),
                name
            )
        case .receiveOnce(let socket, let maxCount):
            return enqueue(.receive(socket, RingReceive(group: .streams, piece: Int(maxCount))), name)
        case .receiveDatagrams(let socket, let reception):
            reception.prepare()
            if !features.multishotReceive { reception.useOwnControlRoom() }
            return enqueue(
                .receiveDatagrams(socket, reception, isMultishot: features.multishotReceive),
                name
            )
        case .waitUntilReadable(let descriptor), .watch(let descriptor, .read):
            return enqueue(.poll(descriptor, events: POLLIN, isMultishot: false), name)
        case .waitUntilWritable(let descriptor), .watch(let descriptor, _):
            return enqueue(.poll(descriptor, events: POLLOUT, isMultishot: false), name)
        case .waitForHangUp(let descriptor):
            return enqueue(.poll(descriptor, events: 0, isMultishot: false), name)
        case .sendFile(let transfer):
            return prepareStep(of: transfer, token)
        default:
            return enqueue(.once(operation), name)
        }
    }

    func prepareReceive(from socket: FileDescriptor, share: UInt32, token: OperationToken) -> Bool {
        let piece = Int(share) < features.bufferSize ? Int(share) : 0
        let receive = RingReceive(group: .streams, piece: piece, share: Int(share), isMultishot: true)
        return enqueue(.receive(socket, receive), token.rawValue)
    }

    func prepareSingle(_ operation: IOOperation, into group: BufferGroup, token: OperationToken) -> Bool {
        let name = token.rawValue
        switch operation {
        case .receive(let descriptor), .pipeRead(let descriptor):
            return enqueue(.receive(descriptor, RingReceive(group: group)), name)
        case .receiveOnce(let socket, let maxCount):
            let waits = group == .singles || !features.incrementalBuffers
            return enqueue(
                .receive(socket, RingReceive(group: group, piece: Int(maxCount), waits: waits)),
                name
            )
        default:
            preconditionFailure("not a receive from a stream")
        }
    }

    func prepareCancel(of target: OperationToken, token: OperationToken) -> Bool {
        enqueue(.cancel(target.rawValue), token.rawValue)
    }

    func prepareCancelOfAll(token: OperationToken) -> Bool { enqueue(.cancelAll, token.rawValue) }

    func prepareWait(for side: Readiness, of descriptor: FileDescriptor, token: OperationToken) -> Bool {
        let events = side == .read ? POLLIN : POLLOUT
        return enqueue(.poll(descriptor, events: events, isMultishot: false), token.rawValue)
    }

    func prepareWaitForRoom(of descriptor: FileDescriptor, token: OperationToken) -> Bool {
        enqueue(.poll(descriptor, events: POLLOUT, isMultishot: true), token.rawValue)
    }

    func prepareWakeUpRead(token: OperationToken) -> Bool { enqueue(.readWakeUps, token.rawValue) }

    /// The next step of a file's way through a pipe, as the real ring has it.
    private func prepareStep(of transfer: UnsafeMutablePointer<FileTransfer>, _ token: OperationToken) -> Bool
    {
        guard let pipe = transfer.pointee.pipe else { preconditionFailure("a file is sent without a pipe") }
        let socket = transfer.pointee.socket
        var steps: [(RingWork, UInt64)] = []
        if transfer.pointee.waitsForSocket {
            let name = token.named(.sendFileWait).rawValue
            steps.append((.poll(socket, events: POLLOUT, isMultishot: false), name))
        } else if transfer.pointee.bytesInPipe > 0 {
            steps.append((drain(transfer.pointee.bytesInPipe, isLinked: false), token.rawValue))
        } else {
            let count = transfer.pointee.nextFill
            let fill = RingWork.splice(
                from: transfer.pointee.file,
                to: pipe.input,
                offset: transfer.pointee.offset,
                count: count,
                isLinked: false
            )
            steps.append((fill, token.named(.sendFileFill).rawValue))
            // A queue of one entry never has room for both.
            if features.submissionQueueSize > 1 {
                steps.append((drain(count, isLinked: true), token.rawValue))
            }
        }
        guard enqueue(steps) else { return false }
        transfer.pointee.stepsInFlight = UInt8(steps.count)
        return true

        func drain(_ count: Int, isLinked: Bool) -> RingWork {
            .splice(from: pipe.output, to: socket, offset: -1, count: count, isLinked: isLinked)
        }
    }

    // MARK: - Listeners

    func makeListenerWatch(_ listener: FileDescriptor) -> FileDescriptor? {
        guard let socket = process.file(listener) as? StreamSocket else { return nil }
        return try? process.open(ListenerWatchFile(socket))
    }

    func closeListenerWatch(_ watch: FileDescriptor) {
        _ = process.close(watch)
    }
}

/// An epoll that watches one listener, and does not hold it.
private final class ListenerWatchFile: OpenFile, ReadinessListener {
    // A listener that goes takes nothing with it: it is closed before its memory is freed, and then not looked at.
    private weak var listener: StreamSocket?

    init(_ listener: StreamSocket) {
        self.listener = listener
        super.init(host: listener.host)
        listener.addWatcher(self, 0)
    }

    override var kindName: StaticString { "epoll" }
    override var readiness: Readiness {
        guard let listener, listener.state == .listening else { return [] }
        return listener.readiness.common(.read)
    }

    func readinessChanged(_ descriptor: Int32) { changed() }

    override func closed(isCrash: Bool) {
        listener?.removeWatcher(self, 0)
    }
}
