import Glibc
import SystemPackage
import Testing

@testable import Proactor
@testable import ProactorTesting

/// Ports that the kernel chooses, and ports by the names of services.
@Suite struct PortTests {
    // MARK: - One port for all

    // Behaviour 14
    @Test(arguments: LoopKind.everywhere)
    func onePortDoesForEveryInterface(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let server = try loop.run {
                try await loop.createServer(host: nil, port: 0, samePort: true) { RecordingProtocol.echo() }
            }
            let addresses = try server.sockets.map { try $0.localAddress() }
            #expect(Set(addresses.map(\.port)).count == 1)
            #expect(addresses.count == Set(addresses.map(\.family)).count)
            server.close()
            let hosts = (1...3).map { TestAddress.own(91, $0).description }
            let other = try loop.run {
                try await loop.createServer(hosts: hosts, port: 0, samePort: true) { RecordingProtocol() }
            }
            let found = try other.sockets.map { try $0.localAddress() }
            #expect(found.map(\.host) == hosts)
            #expect(Set(found.map(\.port)).count == 1 && found[0].port != 0)
            other.close()
        }
    }

    /// Another port is chosen when the first one is taken elsewhere, and not without end.
    @Test(arguments: LoopKind.everywhere)
    func aPortThatIsTakenElsewhereIsChosenAnew(kind: LoopKind) async throws {
        let hosts = (1...2).map { TestAddress.own(92, $0) }
        try await kind.withLoop { inner in
            let system = TakenPorts(inner.backend.system, at: hosts[1])
            let backend = ForwardingBackend(inner.backend, system: system)
            let loop = BaseEventLoop(backend: backend, label: "taken ports")
            system.takenCount = 3
            var options = ServerOptions(.tcp(hosts: hosts.map(\.description), port: 0))
            options.samePort = true
            let server = try loop.serve(options) { RecordingProtocol() }
            let ports = try server.sockets.map { try $0.localAddress().port }
            #expect(ports.count == 2 && ports[0] == ports[1])
            #expect(Set(system.triedPorts).count == 4)
            server.close()

            system.takenCount = .max
            system.triedPorts = []
            let error = #expect(throws: SocketError.self) { try loop.serve(options) { RecordingProtocol() } }
            #expect(error?.errno == .addressInUse && error?.address?.host == hosts[1].description)
            #expect(system.triedPorts.count == 32)
            try loop.turn { loop.backend.operationCount == 0 && loop.openListeners.count == 0 }
            try loop.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aGroupHasOnePortForAllOfItsAddresses(kind: LoopKind) async throws {
        let hosts = (1...2).map { TestAddress.own(93, $0).description }
        try await kind.withGroup { group in
            var options = ServerOptions(.tcp(hosts: hosts, port: 0))
            options.samePort = true
            let server = try await group.createServer(options) { RecordingProtocol() }
            #expect(server.addresses.map(\.host) == hosts)
            #expect(Set(server.addresses.map(\.port)).count == 1)
            server.close()
        }
    }

    // MARK: - Services

    /// A loop to which these names are services, on any host.
    private static func withServices(
        _ kind: LoopKind,
        _ services: [String: UInt16],
        _ body: @escaping @Sendable (BaseEventLoop) throws -> Void
    ) async throws {
        try await kind.withLoop { inner in
            let system = FakeServices(inner.backend.system, services)
            let backend = ForwardingBackend(inner.backend, system: system)
            let loop = BaseEventLoop(backend: backend, label: "fake services")
            try body(loop)
            try loop.turn { loop.backend.operationCount == 0 && loop.openTransports.count == 0 }
            try loop.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aServiceStandsForItsPort(kind: LoopKind) async throws {
        let host = TestAddress.own(94, UInt8(LoopKind.allCases.firstIndex(of: kind)! + 1)).description
        try await Self.withServices(kind, ["proactor-test": 40_917]) { loop in
            try loop.run {
                let server = try await loop.createServer(host: host, port: "proactor-test") {
                    RecordingProtocol()
                }
                #expect(try server.port == 40_917)
                let (transport, _) = try await loop.createConnection(host: host, port: "proactor-test") {
                    RecordingProtocol()
                }
                #expect(transport.extraInfo(.peerName)?.port == 40_917)
                transport.abort()
                server.abortClients()
                server.close()

                let (endpoint, _) = try await loop.createDatagramEndpoint(
                    localAddress: (host, "proactor-test")
                ) { RecordingDatagramProtocol() }
                #expect(endpoint.extraInfo(.socketName)?.port == 40_917)
                let (client, _) = try await loop.createDatagramEndpoint(
                    remoteAddress: (host, "proactor-test")
                ) { RecordingDatagramProtocol() }
                #expect(client.extraInfo(.peerName)?.port == 40_917)
                endpoint.abort()
                client.abort()
            }
        }
    }

    /// The system's own names, and numbers as text.
    @Test(arguments: LoopKind.everywhere)
    func theSystemKnowsServices(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.run {
                for host: String? in [nil, "", "127.0.0.1", "localhost"] {
                    let server = try await loop.createServer(host: host, port: "0") { RecordingProtocol() }
                    #expect(try server.port != 0)
                    server.close()
                }
                guard getservbyname("domain", "udp") != nil else { return }
                let (client, _) = try await loop.createDatagramEndpoint(
                    localAddress: ("127.0.0.1", "0"),
                    remoteAddress: ("127.0.0.1", "domain")
                ) { RecordingDatagramProtocol() }
                #expect(client.extraInfo(.peerName)?.port == 53)
                client.abort()
            }
        }
    }

    @Test(arguments: LoopKind.everywhere, ["no-such-service", "65536", "-1", "", "99999999999999999999"])
    func whatIsNoServiceIsSaidToBeNone(kind: LoopKind, name: String) async throws {
        try await kind.withLoop { loop in
            try loop.run {
                for host in ["127.0.0.1", "localhost"] {
                    let calls: [() async throws -> Void] = [
                        { _ = try await loop.createServer(host: host, port: name) { RecordingProtocol() } },
                        { _ = try await loop.createServer(port: name) { RecordingProtocol() } },
                        {
                            _ = try await loop.createConnection(host: host, port: name) {
                                RecordingProtocol()
                            }
                        },
                        {
                            _ = try await loop.createDatagramEndpoint(remoteAddress: (host, name)) {
                                RecordingDatagramProtocol()
                            }
                        },
                    ]
                    for call in calls {
                        let error = await expectError(ResolutionError.self) { try await call() }
                        #expect(error?.code == .serviceUnknown)
                        #expect(error?.service == name)
                    }
                }
            }
        }
    }
}

/// The real calls, but a number of ports are taken at one address.
///
/// `@unchecked Sendable`: a test changes it on the loop's thread only.
private final class TakenPorts: ForwardingSystemCalls, @unchecked Sendable {
    private let host: IPv4Address
    var takenCount = 0
    var triedPorts: [UInt16] = []

    init(_ inner: any SystemCalls, at host: IPv4Address) {
        self.host = host
        super.init(inner)
    }

    override func bind(_ socket: FileDescriptor, to address: SocketAddress) throws(Errno) {
        if case .ipv4(host, let port) = address {
            triedPorts.append(port)
            if triedPorts.count <= takenCount { throw .addressInUse }
        }
        try super.bind(socket, to: address)
    }
}

/// The real calls, with services of a test's own.
///
/// `@unchecked Sendable`: nothing of it changes.
private final class FakeServices: ForwardingSystemCalls, @unchecked Sendable {
    private let services: [String: UInt16]

    init(_ inner: any SystemCalls, _ services: [String: UInt16]) {
        self.services = services
        super.init(inner)
    }

    override func addressInfo(_ query: AddressQuery) throws(ResolutionError) -> [AddressInfo] {
        var query = query
        if let port = query.service.flatMap({ services[$0] }) { query.service = String(port) }
        return try super.addressInfo(query)
    }
}
