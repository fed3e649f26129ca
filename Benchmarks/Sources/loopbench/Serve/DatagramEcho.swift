import Foundation
import Proactor

/// Sends each datagram back to where it came from.
final class DatagramEcho: DatagramProtocol {
    private var transport: (any DatagramTransport)?

    func connectionMade(_ transport: any DatagramTransport) {
        self.transport = transport
    }

    func datagramReceived(_ data: RawSpan, from source: SocketAddress) throws {
        try transport?.sendTo(data, source)
    }

    func connectionLost(_ error: (any Error)?) {
        transport = nil
    }
}

nonisolated(nonsending) func serveDatagrams(
    at address: (host: String, port: UInt16),
    on loop: BaseEventLoop,
    until signals: TerminationSignals
) async throws {
    let (transport, _) = try await loop.createDatagramEndpoint(localAddress: address) { DatagramEcho() }
    let ended = loop.createFuture()
    let boundEnd = LoopBound(ended, of: loop)
    signals.whenFirstComes { try? boundEnd.post { try $0.setResult(()) } }
    if let address = transport.extraInfo(.socketName) {
        FileHandle.standardOutput.write(Data("listening on \(address)\n".utf8))
    }
    try await ended.value()
    transport.close()
}
