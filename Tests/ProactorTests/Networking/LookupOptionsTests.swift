import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// asyncio's `proto` and `flags`.
@Suite struct LookupOptionsTests {
    @Test(arguments: LoopKind.allCases)
    func flagsGoToTheLookup(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let server = try loop.run {
                try await loop.createServer(host: "127.0.0.1", port: 0) { RecordingProtocol() }
            }
            let port = try server.sockets[0].localAddress().port ?? 0
            // A name where an address in numbers was promised.
            var options = ConnectionOptions(.tcp(host: "localhost", port: port))
            options.flags = .numericHost
            #expect(throws: ResolutionError.self) {
                try loop.run { try await loop.createConnection(options) { RecordingProtocol() } }
            }
            // An IPv4 address in IPv6's form.
            options = ConnectionOptions(.tcp(host: "127.0.0.1", port: port))
            options.family = .ipv6
            options.flags = .ipv4Mapped
            let mapped = try loop.run { try await loop.createConnection(options) { RecordingProtocol() } }
            #expect(mapped.transport.extraInfo(.peerName)?.host == "::ffff:127.0.0.1")
            mapped.transport.abort()
            var listening = ServerOptions(.tcp(hosts: ["localhost"], port: 0))
            listening.flags = .numericHost
            #expect(throws: ResolutionError.self) {
                try loop.run { try await loop.createServer(listening) { RecordingProtocol() } }
            }
            var datagrams = DatagramOptions(.udp(local: ("localhost", 0), remote: nil))
            datagrams.flags = .numericHost
            #expect(throws: ResolutionError.self) {
                try loop.run {
                    try await loop.createDatagramEndpoint(datagrams) { RecordingDatagramProtocol() }
                }
            }
            server.close()
            server.abortClients()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func theProtocolIsTheSockets(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            // Neither kind of socket has the other's protocol.
            var options = ConnectionOptions(.tcp(host: "127.0.0.1", port: 9))
            options.protocolNumber = Int32(IPPROTO_UDP)
            let address = SocketAddress.ipv4(.loopback, port: 9)
            #expect(throws: SocketError(.makeSocket, .protocolNotSupported, address: address)) {
                try loop.run { try await loop.createConnection(options) { RecordingProtocol() } }
            }
            var datagrams = DatagramOptions(.udp(local: ("127.0.0.1", 0), remote: nil))
            datagrams.protocolNumber = Int32(IPPROTO_TCP)
            #expect(
                throws: SocketError(.makeSocket, .protocolNotSupported, address: .ipv4(.loopback, port: 0))
            ) {
                try loop.run {
                    try await loop.createDatagramEndpoint(datagrams) { RecordingDatagramProtocol() }
                }
            }
            datagrams.protocolNumber = Int32(IPPROTO_UDP)
            let (endpoint, _) = try loop.run {
                try await loop.createDatagramEndpoint(datagrams) { RecordingDatagramProtocol() }
            }
            try loop.finish(endpoint)
        }
    }
}
