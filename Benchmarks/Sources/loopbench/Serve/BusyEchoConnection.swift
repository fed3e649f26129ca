import Proactor

/// Sends back what it receives, after it has kept the CPU busy for a while: a server whose place in a ranking is known.
final class BusyEchoConnection: StreamProtocol {
    private let echo = EchoConnection()
    private let busyTime: Duration

    /// - Parameter busyTime: for each piece that comes in.
    init(_ busyTime: Duration) {
        self.busyTime = busyTime
    }

    func connectionMade(_ transport: any Transport) throws {
        try echo.connectionMade(transport)
    }

    func dataReceived(_ data: RawSpan) {
        let end = ContinuousClock.now + busyTime
        while ContinuousClock.now < end {}
        echo.dataReceived(data)
    }

    func pauseWriting() { echo.pauseWriting() }

    func resumeWriting() { echo.resumeWriting() }

    func connectionLost(_ error: (any Error)?) { echo.connectionLost(error) }
}
