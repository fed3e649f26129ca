@testable import Proactor

/// The server's end: sends everything back, and stops taking when it cannot send. Some of them end the connection in the
/// middle.
final class SoakEcho: CountedLife, StreamProtocol {
    enum Ending {
        case peers
        case close(after: Int)
        case abort(after: Int)
    }

    private var ending: Ending
    private var transport: (any Transport)?
    private var received = 0

    init(lives: SoakCounter, ending: Ending) {
        self.ending = ending
        super.init(lives: lives)
    }

    func connectionMade(_ transport: any Transport) {
        self.transport = transport
    }

    func dataReceived(_ data: RawSpan) {
        received += data.byteCount
        transport?.write(data)
        switch ending {
        case .close(let limit) where received >= limit: transport?.close()
        case .abort(let limit) where received >= limit: transport?.abort()
        default: break
        }
    }

    func eofReceived() -> Bool {
        // What is still to be sent back is sent by the close that follows.
        false
    }

    func pauseWriting() { transport?.pauseReading() }
    func resumeWriting() { transport?.resumeReading() }
    func connectionLost(_ error: (any Error)?) { transport = nil }
    func shutdownRequested() -> ShutdownAnswer { received.isMultiple(of: 2) ? .close : .whenDone }
}
