import SystemPackage
import Testing

@testable import Proactor

extension BaseEventLoop {
    /// An endpoint at an address of a family, with or without a remote one.
    func openEndpoint(
        _ datagramProtocol: RecordingDatagramProtocol,
        at local: SocketAddress? = nil,
        to remote: SocketAddress? = nil
    ) throws -> any DatagramTransport {
        let family = try #require((local ?? remote)?.family)
        var options = DatagramOptions(.unix(local: local, remote: remote))
        if family != .unix {
            let pair = { (address: SocketAddress?) in
                address.map { (host: $0.host ?? "", port: $0.port ?? 0) }
            }
            options.endpoint = .udp(local: pair(local), remote: pair(remote))
        }
        return try run {
            try await self.createDatagramEndpoint(options) { datagramProtocol }.transport
        }
    }

    /// An endpoint that is connected to a peer of the test's own.
    func connectEndpoint(
        _ datagramProtocol: RecordingDatagramProtocol,
        _ family: DatagramFamily = .unixAbstract
    ) throws -> (transport: any DatagramTransport, peer: RawDatagramPeer) {
        let peer = try RawDatagramPeer(family)
        let local = peer.address.family == .unix ? family.address() : nil
        return (try openEndpoint(datagramProtocol, at: local, to: peer.address), peer)
    }

    /// Sends numbered datagrams to a connected peer that does not read, until the kernel has no room; returns their number.
    func fill(_ transport: any DatagramTransport) throws -> Int {
        var count = 0
        while transport.writeBufferSize == 0 {
            try transport.sendTo(numbered(count))
            count += 1
            try settle(turns: 3)
        }
        return count
    }

    /// Closes what a test leaves open.
    func finish(_ transports: any DatagramTransport...) throws {
        for transport in transports {
            transport.abort()
            let datagrams = try #require(transport as? DatagramSocketTransport)
            try turn(until: { datagrams.phase == .closed })
        }
    }
}

/// A datagram that is told from all others.
func numbered(_ number: Int, size: Int = 64) -> [UInt8] {
    [UInt8(number & 255), UInt8(number >> 8 & 255)] + patternBytes(size - 2, seed: number)
}
