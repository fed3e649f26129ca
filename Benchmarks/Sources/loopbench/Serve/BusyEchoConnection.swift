import CMicro
import Proactor

/// Sends back what it receives, after it has kept the CPU busy for a while: a server whose place in a ranking is known.
final class BusyEchoConnection: StreamProtocol {
    private let echo = EchoConnection()
    private let busyNanoseconds: UInt64

    /// - Parameter busyTime: the processor time for each piece that comes in.
    init(_ busyTime: Duration) {
        busyNanoseconds = UInt64(busyTime / .nanoseconds(1))
    }

    func connectionMade(_ transport: any Transport) throws {
        try echo.connectionMade(transport)
    }

    func dataReceived(_ data: RawSpan) {
        // Not the time of day: while another process has the CPU, this one wastes nothing.
        let end = cmicro_thread_cpu_ns() + busyNanoseconds
        while cmicro_thread_cpu_ns() < end {}
        echo.dataReceived(data)
    }

    func pauseWriting() { echo.pauseWriting() }

    func resumeWriting() { echo.resumeWriting() }

    func connectionLost(_ error: (any Error)?) { echo.connectionLost(error) }
}
