import Proactor

/// One side of a forwarder: what it receives, its other side sends.
///
/// It lets as much wait as the library does of itself. Both sides end together, when what waits has been sent.
final class ProxyConnection: StreamProtocol {
    private let loop: BaseEventLoop
    /// The port that the other side has to be connected to; nil when this is the other side.
    private let upstream: UInt16?
    private var transport: (any Transport)?
    private var other: ProxyConnection?

    /// - Parameter upstream: a port of 127.0.0.1.
    init(on loop: BaseEventLoop, upstream: UInt16) {
        (self.loop, self.upstream) = (loop, upstream)
    }

    /// The side towards the upstream.
    private init(behind other: ProxyConnection) {
        (loop, upstream, self.other) = (other.loop, nil, other)
    }

    func connectionMade(_ transport: any Transport) {
        self.transport = transport
        guard let upstream else { return }
        // Nothing is read before there is somebody to give it to.
        transport.pauseReading()
        loop.createTask { [self] in await connect(to: upstream, transport) }
    }

    nonisolated(nonsending) private func connect(to port: UInt16, _ transport: any Transport) async {
        do {
            other = try await loop.createConnection(host: "127.0.0.1", port: port) { [self] in
                ProxyConnection(behind: self)
            }.protocol
        } catch {
            return transport.abort()
        }
        // It may have gone while the other side was connected.
        guard self.transport != nil else {
            other?.transport?.close()
            other = nil
            return
        }
        transport.resumeReading()
    }

    func dataReceived(_ data: RawSpan) {
        other?.transport?.write(data)
    }

    func pauseWriting() {
        other?.transport?.pauseReading()
    }

    func resumeWriting() {
        other?.transport?.resumeReading()
    }

    func connectionLost(_ error: (any Error)?) {
        transport = nil
        other?.transport?.close()
        other = nil
    }
}
