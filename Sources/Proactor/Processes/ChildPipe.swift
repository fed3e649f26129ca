/// One pipe to or from a child: passes on to the child's transport what happens on it.
///
/// It and the child hold each other until the pipe is closed.
final class ChildPipe: StreamProtocol {
    private let child: ChildProcess
    /// 0, 1 or 2.
    let number: Int32
    private(set) var transport: PipeTransport?
    /// Whether `connectionLost` was called.
    private(set) var isClosed = false

    init(child: ChildProcess, number: Int32) {
        self.child = child
        self.number = number
    }

    func connectionMade(_ transport: any Transport) {
        self.transport = transport as? PipeTransport
    }

    func dataReceived(_ data: RawSpan) {
        child.pipeReceived(self, data)
    }

    func connectionLost(_ error: (any Error)?) {
        isClosed = true
        child.pipeClosed(self, error)
    }

    func pauseWriting() {
        child.pauseWriting()
    }

    func resumeWriting() {
        child.resumeWriting()
    }
}
