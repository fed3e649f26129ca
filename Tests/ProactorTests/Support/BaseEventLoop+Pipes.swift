import SystemPackage
import Testing

@testable import Proactor

extension BaseEventLoop {
    /// Connects the reading end of a new pipe.
    func connectReader(_ connectionProtocol: some ConnectionProtocol) throws -> (
        transport: any ReadTransport, pipe: RawPipe
    ) {
        let pipe = try RawPipe()
        let end = pipe.lend(pipe.reading)
        let transport = try run { try await self.connectReadPipe(end) { connectionProtocol }.transport }
        return (transport, pipe)
    }

    /// Connects the writing end of a new pipe.
    func connectWriter(_ connectionProtocol: some ConnectionProtocol) throws -> (
        transport: any WriteTransport, pipe: RawPipe
    ) {
        let pipe = try RawPipe()
        let end = pipe.lend(pipe.writing)
        let transport = try run { try await self.connectWritePipe(end) { connectionProtocol }.transport }
        return (transport, pipe)
    }

    /// Turns until the transport's descriptor is closed.
    func turnUntilClosed(_ transport: any BaseTransport) throws {
        let stream = try #require(transport as? StreamSocketTransport)
        try turn(until: { stream.phase == .closed })
    }
}
